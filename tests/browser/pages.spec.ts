import { AxeBuilder } from '@axe-core/playwright';
import { devices, expect, Page } from '@playwright/test';
import { add, faults, signIn, test } from './shop';

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

// A page is checked in light and dark, as wide as a desk and as a phone. The README's
// screenshots are made by SCREENSHOTS=shop-wide,account-phone,proofs-wide.
async function check(page: Page, name: string) {
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await new AxeBuilder({ page }).withRules('color-contrast').analyze();
  expect(dark.violations, `${name}, dark`).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await new AxeBuilder({ page }).analyze();
  expect(light.violations, `${name}, light`).toEqual([]);
  for (const [screen, width, height] of [['wide', 1000, 700], ['phone', 390, 780]] as const) {
    await page.setViewportSize({ width, height });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(beyond, `${name} is wider than the ${screen}`).toBeLessThanOrEqual(0);
    const shot = `${name}-${screen}`;
    if (process.env.SCREENSHOTS?.split(',').includes(shot)) await page.screenshot({ path: `../../docs/screenshots/${shot}.png` });
  }
}

test('every page can be used by everybody', async ({ openShop, openDevice }) => {
  const shop = await openShop();
  const page = await openDevice(shop);
  const phone = await openDevice(shop, { userAgent: devices['iPhone 15'].userAgent });
  const admin = await openDevice(shop);
  const wrong = faults(page, phone, admin);
  for (const p of [page, phone, admin]) {
    p.on('response', answer => expect.soft(answer.headers()['content-security-policy'], answer.url()).toBe(policy));
  }

  await page.goto('/');
  await check(page, 'shop-empty');
  await add(page, 'Green tea', 2);
  await add(page, 'A teapot of white porcelain, for eight cups');
  await check(page, 'shop');
  await page.goto('/login');
  await check(page, 'login');
  await signIn(page);
  await phone.goto('/');
  await signIn(phone);
  await page.goto('/account');
  await check(page, 'account');
  await page.goto('/account/password');
  await check(page, 'password');
  await page.goto('/proofs');
  await page.getByRole('button', { name: 'Send 50 requests' }).click();
  await expect(page.getByRole('status')).toContainText('50 of 50');
  await check(page, 'proofs');

  await admin.goto('/');
  await signIn(admin, 'admin', 'black-tea');
  await admin.goto('/admin?user=ann');
  await check(admin, 'admin');
  await admin.getByRole('button', { name: 'End all of ann' }).click();
  await expect(page.getByRole('heading', { name: 'You were signed out' })).toBeVisible();
  await check(page, 'signed-out');

  expect(wrong).toEqual([]);
});

test('what fails is told in the words of the shop', async ({ openShop, page }) => {
  const shop = await openShop();
  for (const [path, status, heading] of [
    ['/nowhere', 404, 'Not Found'],
    ['/logout', 405, 'Method Not Allowed'],
  ] as const) {
    const answer = await page.goto(shop.url + path);
    expect(answer!.status()).toBe(status);
    expect(answer!.headers()['content-security-policy']).toBe(policy);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(heading);
    await check(page, path.slice(1));
  }

  await page.goto(shop.url);
  await page.getByLabel('How many').evaluate((field: HTMLInputElement) => { field.max = '1000'; });
  await page.getByLabel('Item').fill('Tea');
  await page.getByLabel('How many').fill('1000');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('alert')).toHaveText('Name what to add, in a few words, and how many: 1 to 99.');
});
