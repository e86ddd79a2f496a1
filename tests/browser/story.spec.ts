import { devices, expect } from '@playwright/test';
import { add, cart, faults, fillIn, signIn, signOut, storeFlag, submit, test } from './shop';

// Each framework and each store.
const shops = [
  ['nethttp', 'memory'],
  ['chi', 'postgres'],
  ['echo', 'mysql'],
  ['fiber', 'redis'],
  ['gin', 'sqlite'],
];

for (const [adapter, store] of shops) {
  test(`the whole story, with ${adapter} and ${store}`, async ({ openShop, openDevice }, info) => {
    const shop = await openShop('-adapter', adapter, '-store', storeFlag(store, info.outputPath()));
    const laptop = await openDevice(shop);
    const { isMobile, ...iPhone } = devices['iPhone 15']; // Firefox knows no isMobile
    const phone = await openDevice(shop, iPhone);
    const wrong = faults(laptop, phone);

    await test.step('a visitor has no session until there is something to keep', async () => {
      await laptop.goto('/');
      await expect(laptop.getByText('You have no session yet')).toBeVisible();
      expect(await laptop.context().cookies()).toEqual([]);
      await add(laptop, 'Tea', 2);
      await expect(cart(laptop)).toHaveText(['2 × Tea']);
      expect(await laptop.context().cookies()).toHaveLength(1);
    });

    await test.step('a note is shown once', async () => {
      await laptop.reload();
      await expect(cart(laptop)).toHaveText(['2 × Tea']);
      await expect(laptop.getByRole('status')).toHaveCount(0);
    });

    await test.step('both clocks count down', async () => {
      for (const name of ['If you do nothing', 'At the latest']) {
        await expect(laptop.getByRole('timer', { name })).toHaveText(/^(29 min|7 h 59 min)/);
      }
      const idle = laptop.getByRole('timer', { name: 'If you do nothing' });
      await expect(idle).not.toHaveText(await idle.innerText());
    });

    await test.step('two tabs add at once, and each shows what the other did', async () => {
      const tab = await laptop.context().newPage();
      await tab.goto('/');
      await Promise.all([submit(laptop, 'Milk'), submit(tab, 'Bread')]);
      for (const page of [laptop, tab]) {
        await expect(cart(page)).toHaveText([/2 × Tea/, /1 × (Milk|Bread)/, /1 × (Milk|Bread)/]);
      }
      await tab.getByRole('button', { name: 'Remove Bread' }).click();
      await expect(cart(laptop)).toHaveText(['2 × Tea', '1 × Milk']);
      await tab.close();
    });

    await test.step('a login keeps the cart and changes the cookie', async () => {
      const [before] = await laptop.context().cookies();
      await signIn(laptop);
      const [after] = await laptop.context().cookies();
      expect(after.value).not.toBe(before.value);
      expect(after.expires).toBe(-1);
      await expect(cart(laptop)).toHaveText(['2 × Tea', '1 × Milk']);
    });

    await test.step('a wrong password is told', async () => {
      await phone.goto('/login');
      await fillIn(phone, 'ann', 'wrong');
      await expect(phone.getByRole('alert')).toContainText('do not belong together');
    });

    const rows = laptop.getByRole('list', { name: 'Your devices' }).getByRole('listitem');
    await test.step('"Your devices" lists both, and marks this one', async () => {
      await phone.getByLabel('Keep me signed in').check();
      await fillIn(phone);
      await expect(phone.getByRole('status')).toHaveText('You are signed in as ann.');
      expect((await phone.context().cookies())[0].expires).toBeGreaterThan(0);
      await laptop.getByRole('navigation').getByRole('link', { name: 'Account' }).click();
      await expect(rows).toHaveCount(2);
      await expect(rows.filter({ hasText: 'This device' })).toHaveCount(1);
      await expect(rows.filter({ hasText: 'iPhone' })).toContainText('remembered');
    });

    await test.step('a device that is signed out elsewhere says so, without a reload', async () => {
      await rows.filter({ hasText: 'iPhone' }).getByRole('button').click();
      await expect(laptop.getByRole('status')).toHaveText('The device is signed out.');
      await expect(phone.getByRole('heading', { name: 'You were signed out' })).toBeVisible();
      await expect(rows).toHaveCount(1);
      await phone.getByRole('link', { name: 'Sign in again' }).click();
      await fillIn(phone);
      await expect(phone.getByRole('status')).toHaveText('You are signed in as ann.');
    });

    await test.step('a change of password ends the other devices', async () => {
      await signOut(laptop);
      await signIn(laptop); // the page wants a login of the last minute
      await laptop.goto('/account/password');
      await laptop.getByLabel('New password').fill('white-tea');
      await laptop.getByRole('button', { name: 'Change password' }).click();
      await expect(laptop.getByRole('status')).toHaveText('Your password is changed. Other devices signed out: 1.');
      await expect(phone.getByRole('heading', { name: 'You were signed out' })).toBeVisible();
      await phone.getByRole('link', { name: 'Sign in again' }).click();
      await fillIn(phone, 'ann', 'green-tea');
      await expect(phone.getByRole('alert')).toContainText('do not belong together');
      await fillIn(phone, 'ann', 'white-tea');
      await expect(phone.getByRole('status')).toHaveText('You are signed in as ann.');
    });

    await test.step('an administrator leaves a note, and ends the sessions of a user', async () => {
      await signOut(phone);
      await signIn(phone, 'admin', 'black-tea');
      const show = async () => {
        await phone.getByRole('navigation').getByRole('link', { name: 'Admin' }).click();
        await phone.getByRole('link', { name: 'ann', exact: true }).click();
      };
      await show();
      await phone.getByLabel('Note for the next page').fill('We close at six.');
      await phone.getByRole('button', { name: 'Leave the note' }).click();
      await expect(phone.getByRole('status')).toHaveText('Sessions that have the note: 1.');
      await laptop.goto('/');
      await expect(laptop.getByRole('status')).toHaveText('We close at six.');

      await show();
      const sessions = phone.getByRole('list', { name: 'Sessions of ann' }).getByRole('listitem');
      await expect(sessions).toHaveCount(1);
      await sessions.getByRole('button').click();
      await expect(phone.getByRole('status')).toHaveText('The session has ended.');
      await expect(laptop.getByRole('heading', { name: 'You were signed out' })).toBeVisible();

      await laptop.getByRole('link', { name: 'Sign in again' }).click();
      await fillIn(laptop, 'ann', 'white-tea');
      await expect(laptop.getByRole('status')).toHaveText('You are signed in as ann.');
      await show();
      await phone.getByRole('button', { name: 'End all of ann' }).click();
      await expect(phone.getByRole('status')).toHaveText('Sessions ended: 1.');
      await expect(laptop.getByRole('heading', { name: 'You were signed out' })).toBeVisible();
    });

    await test.step('who is no administrator is refused', async () => {
      await laptop.getByRole('link', { name: 'Sign in again' }).click();
      await fillIn(laptop, 'ann', 'white-tea');
      await laptop.goto('/admin');
      await expect(laptop.getByRole('alert')).toBeVisible();
    });

    await test.step('the proofs hold', async () => {
      await laptop.goto('/proofs');
      for (const [button, verdict] of [
        ['Send 50 requests', '50 of 50'],
        ['Log out under a writer', 'Logged out, for good'],
        ['Plant a cookie', 'The thief gets nothing'],
        ['Write from a stale tab', 'The login stands'],
      ]) {
        await laptop.getByRole('button', { name: button }).click();
        await expect(laptop.getByRole('status')).toContainText(verdict);
        await laptop.waitForLoadState(); // until then it may scroll away from the next click
      }
    });

    await test.step('sign out everywhere', async () => {
      await laptop.goto('/account');
      await laptop.getByRole('button', { name: 'Sign out everywhere' }).click();
      await expect(laptop.getByRole('heading', { name: 'Sign in' })).toBeVisible();
      expect(await laptop.context().cookies()).toEqual([]);
      await laptop.goto('/account');
      await expect(laptop).toHaveURL(/\/login\?next=%2Faccount$/);
    });
    expect(wrong).toEqual([]);
  });
}
