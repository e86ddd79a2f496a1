import { expect, test } from '@playwright/test';
import { adapters, add, addresses, cookie, signIn, signOut, sites } from './site';

for (const adapter of adapters) {
  const { local, shop } = addresses(sites[adapter]);

  test.describe(adapter, () => {
    test('the cookie is as safe as a browser can keep it', async ({ page, context, browserName }) => {
      for (const url of [local, shop]) {
        if (url === local && browserName === 'webkit') continue; // it keeps no Secure cookie of http://localhost
        await page.goto(`${url}/carts/`);
        expect(await context.cookies(url), 'an unused session sets no cookie').toEqual([]);

        await add(page, 'Tea');
        expect(await context.cookies(url)).toEqual([expect.objectContaining({
          name: '__Host-session',
          value: expect.stringMatching(/^[\w-]{64}$/),
          domain: new URL(url).hostname, // without a dot before it: no other host gets it
          path: '/',
          expires: -1, // with the browser
          httpOnly: true,
          secure: true,
          sameSite: 'Lax',
        })]);
        expect(await page.evaluate(() => document.cookie), 'no script sees it').toBe('');
      }
    });

    test('a login changes the cookie, and a logout removes it', async ({ page, context }) => {
      await page.goto(`${shop}/carts/`);
      await add(page, 'Tea');
      const before = await cookie(context, '__Host-session');
      await signIn(page, 'Ann');
      const after = await cookie(context, '__Host-session');
      expect(after!.value).not.toBe(before!.value);
      await expect(page.getByRole('listitem')).toHaveText(['Tea']);

      await signOut(page);
      expect(await context.cookies()).toEqual([]);
      await context.addCookies([after!]); // as one who kept it would
      await page.goto(`${shop}/carts/`);
      await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
    });
  });
}

// What follows is the browser's work, whatever the adapter.
const { shop, other } = addresses(sites.nethttp);

test('two managers go side by side', async ({ page, context }) => {
  await page.goto(`${shop}/carts/`);
  await signIn(page, 'Ann');
  await page.goto(`${shop}/staff/`);
  await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
  await signIn(page, 'Bob');
  await signOut(page);
  expect(await cookie(context, '__Host-staff')).toBeUndefined();
  await page.goto(`${shop}/carts/`);
  await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
});

test('another site posts without the cookie, and links with it', async ({ page, context }) => {
  await page.goto(`${shop}/carts/`);
  await signIn(page, 'Ann');
  const before = await context.cookies();

  // As a login provider does, by form_post.
  await page.goto(`${other}/authorize?url=${shop}/carts/callback`);
  await page.getByRole('button').click();
  await expect(page).toHaveURL(`${shop}/carts/callback`);
  await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
  expect(await context.cookies(), 'it leaves the cookie alone').toEqual(before);

  // An answer that redirects makes a GET of it, which has the cookie.
  await page.goto(`${other}/authorize?url=${shop}/carts/return`);
  await page.getByRole('button').click();
  await expect(page).toHaveURL(`${shop}/carts/`);
  await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');

  await page.goto(`${other}/authorize?url=${shop}/carts/`);
  await page.getByRole('link').click();
  await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
});

test('a page that is left open tells when its session has expired', async ({ page }) => {
  await page.goto(`${shop}/brief/`);
  await page.getByLabel('Name').fill('Ann');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('status')).toHaveText('Your session has ended');
  await page.reload();
  await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
});
