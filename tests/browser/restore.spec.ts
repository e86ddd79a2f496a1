import { expect, test } from '@playwright/test';
import { adapters, addresses, cookie, signIn, sites } from './site';

test('a browser that is closed and opened again keeps who asked for it, and no one else', async ({ playwright, browserName, launchOptions }, info) => {
  const { shop } = addresses(sites[adapters[0]]);
  const open = () => playwright[browserName].launchPersistentContext(info.outputPath('profile'), { ...launchOptions, ignoreHTTPSErrors: true });

  let browser = await open();
  let page = await browser.newPage();
  await page.goto(`${shop}/staff/`);
  await signIn(page, 'Bob');
  await page.goto(`${shop}/carts/`);
  await page.getByLabel('Keep me signed in').check();
  await signIn(page, 'Ann');
  const days = ((await cookie(browser, '__Host-session'))!.expires - Date.now() / 1000) / (24 * 60 * 60);
  expect(Math.round(days)).toBe(30);
  await browser.close();

  browser = await open();
  page = await browser.newPage();
  await page.goto(`${shop}/carts/`);
  await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
  await page.goto(`${shop}/staff/`);
  await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
  await browser.close();
});
