import { expect, Page, test } from '@playwright/test';
import { adapters, addresses, signIn, sites } from './site';

// Playwright turns the cache of whole pages off, as it does the features of which this is one.
test.use({
  launchOptions: async ({ launchOptions }, use) => use({
    ...launchOptions,
    args: [...launchOptions.args!, '--enable-features=BackForwardCache'],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  }),
});

// back does not wait for the page to load: one that comes from the cache does not.
const back = (page: Page) => page.goBack({ waitUntil: 'commit' });

for (const adapter of adapters) {
  test(`${adapter}: after a logout, the back button shows nothing of the account`, async ({ page }) => {
    const { local } = addresses(sites[adapter]);
    await page.goto(`${local}/carts/`);
    await signIn(page, 'Ann');

    // A page that may be kept comes back as it was left. Otherwise this test would show nothing.
    await page.goto(`${local}/plain`);
    await page.evaluate(() => { document.title = 'as it was left'; });
    await page.goto(`${local}/carts/`);
    await back(page);
    await expect(page).toHaveTitle('as it was left');

    await page.goto(`${local}/carts/account`);
    await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
    await page.evaluate(() => { document.title = 'as it was left'; });
    await page.goto(`${local}/carts/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
    await back(page);
    await back(page);
    await expect(page).toHaveURL(`${local}/carts/?next=%2Fcarts%2Faccount`);
    await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
  });
}
