import { expect, test } from '@playwright/test';
import { adapters, add, addresses, cookie, held, release, signIn, signOut, sites } from './site';

for (const adapter of adapters) {
  const { local, shop } = addresses(sites[adapter]);

  test.describe(adapter, () => {
    test('F5 while the answer of a login does not come: it is lost, and all works', async ({ page, request }, info) => {
      const name = info.testId;
      await page.goto(`${shop}/carts/`);
      await add(page, 'Tea');
      await page.locator('form').first().evaluate((form: HTMLFormElement, name) => { form.action += `?lost=${name}`; }, name);
      await page.getByLabel('Name').fill('Ann');
      await page.getByRole('button', { name: 'Sign in' }).click({ noWaitAfter: true });
      await held(request, local, name);

      await page.goto(`${shop}/carts/`); // page.reload would fail with the navigation that it ends
      await expect(page.getByRole('heading'), 'the browser has the cookie from before the login').toHaveText('Nobody is signed in');
      await signIn(page, 'Ann');
      await release(request, local, name);
      await page.reload();
      await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
      await add(page, 'Milk');
    });

    test('a tab that began before the login changes nothing after it', async ({ page, context, request }, info) => {
      const name = info.testId;
      await page.goto(`${shop}/carts/`);
      await add(page, 'Tea');
      const late = await context.newPage();
      await late.goto(`${shop}/carts/`);
      await late.locator('form').last().evaluate((form: HTMLFormElement, name) => { form.action += `?slow=${name}`; }, name);
      await late.getByLabel('Item').fill('Milk');
      await late.getByRole('button', { name: 'Add' }).click({ noWaitAfter: true });
      await held(request, local, name);

      await signIn(page, 'Ann');
      const after = await cookie(context, '__Host-session');
      await release(request, local, name);
      await expect(late.locator('body')).toContainText('Conflict');
      expect(await cookie(context, '__Host-session')).toEqual(after);
      await page.reload();
      await expect(page.getByRole('heading')).toHaveText('Signed in as Ann');
      await expect(page.getByRole('listitem')).toHaveText(['Tea']);

      // Its next request has the cookie of the login.
      await late.goto(`${shop}/carts/`);
      await expect(late.getByRole('heading')).toHaveText('Signed in as Ann');
    });

    test('a slow answer of the old session undoes no logout and no login', async ({ page, context, request }, info) => {
      const name = info.testId;
      await page.goto(`${shop}/carts/`);
      await signIn(page, 'Ann');
      const late = await context.newPage();
      const slow = late.goto(`${shop}/carts/?slow=${name}`);
      await held(request, local, name);

      await signOut(page);
      await signIn(page, 'Bob');
      const after = await cookie(context, '__Host-session');
      await release(request, local, name);
      await slow;
      await expect(late.getByRole('heading'), 'what it was when it was read').toHaveText('Signed in as Ann');
      expect(await cookie(context, '__Host-session')).toEqual(after);
      await late.goto(`${shop}/carts/`);
      await expect(late.getByRole('heading')).toHaveText('Signed in as Bob');
    });
  });
}
