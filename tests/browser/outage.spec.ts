import { expect, Page, Response } from '@playwright/test';
import { add, cart, signIn, test } from './shop';

// unavailable checks what a visitor is told while the store is down.
async function unavailable(page: Page, answer: Response | null) {
  expect(answer!.status()).toBe(503);
  expect(await answer!.headerValue('Retry-After')).toBe('1');
  expect(await answer!.headerValue('Set-Cookie'), 'the browser keeps its cookie').toBeNull();
  await expect(page.getByRole('heading')).toHaveText('Service Unavailable');
  await expect(page.getByRole('alert')).toHaveText('Your session cannot be looked up right now. It is not lost. Try again in a moment.');
}

for (const store of ['redis', 'postgres']) {
  test(`${store} stops and starts again`, async ({ openShop, page, request }) => {
    const shop = await openShop('-store', process.env[`OUTAGES_${store.toUpperCase()}`]!);
    await page.goto(shop.url);
    await add(page, 'Tea');
    await signIn(page);

    expect((await request.post(`${process.env.OUTAGES}/${store}/stop`)).ok()).toBe(true);
    await unavailable(page, await page.goto(shop.url));
    expect((await request.post(`${process.env.OUTAGES}/${store}/start`)).ok()).toBe(true);

    // The first answers may still come by a connection that has ended.
    await expect(async () => expect((await page.goto(shop.url))!.status()).toBe(200)).toPass();
    await expect(page.getByRole('button', { name: 'Sign out' }), 'still signed in').toBeVisible();
    await expect(cart(page)).toHaveText(['1 × Tea']);
  });
}

for (const adapter of ['nethttp', 'chi', 'fiber', 'gin', 'echo']) {
  test(`the store is stopped by the page of proofs, with ${adapter}`, async ({ openShop, page }) => {
    const shop = await openShop('-adapter', adapter);
    await page.goto(shop.url);
    await add(page, 'Tea');
    await signIn(page);

    await page.getByRole('navigation').getByRole('link', { name: 'Proofs' }).click();
    await page.getByRole('button', { name: 'Stop the store' }).click();
    await unavailable(page, await page.goto(shop.url));
    await page.getByRole('button', { name: 'Start the store' }).click();
    await expect(page.getByRole('status')).toContainText('It works again, and nothing is lost.');
    await page.goto(shop.url);
    await expect(page.getByRole('button', { name: 'Sign out' }), 'still signed in').toBeVisible();
    await expect(cart(page)).toHaveText(['1 × Tea']);
  });
}
