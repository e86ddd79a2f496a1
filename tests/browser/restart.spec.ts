import { join } from 'node:path';
import { expect } from '@playwright/test';
import { add, cart, signIn, test } from './shop';

const restarts = [
  ['memory, which saves when it ends in order', 'SIGTERM'],
  ['sqlite', 'SIGKILL'],
  ['redis', 'SIGKILL'],
] as const;

for (const [store, signal] of restarts) {
  test(`the server ends and starts again, with ${store}`, async ({ openShop, context }, info) => {
    const file = join(info.outputPath(), 'shop');
    const flag = { sqlite: `sqlite:${file}`, redis: `${process.env.REDIS}/1` }[store as string] ?? `memory:${file}`;
    const shop = await openShop('-store', flag);
    const page = await context.newPage();
    await page.goto(shop.url);
    await add(page, 'Tea');
    await signIn(page);

    await shop.stop(signal);
    await shop.start();
    const tab = await context.newPage();
    await tab.goto(shop.url);
    await expect(tab.getByRole('button', { name: 'Sign out' }), 'still signed in').toBeVisible();
    await expect(cart(tab)).toHaveText(['1 × Tea']);

    // The page that was open all the time follows its session again.
    await add(tab, 'Milk');
    await expect(cart(page)).toHaveText(['1 × Tea', '1 × Milk']);
  });
}
