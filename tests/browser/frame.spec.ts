import { expect, test } from '@playwright/test';
import { addresses, sites } from './site';

const { shop, other, third } = addresses(sites.nethttp);

test('a frame has another session on each site', async ({ page, context }) => {
  const frame = page.frameLocator('iframe');
  for (const [site, item] of [[other, 'Tea'], [third, 'Milk']]) {
    await page.goto(`${site}/frame?url=${shop}/framed/`);
    await expect(frame.getByRole('listitem')).toHaveCount(0);
    await frame.getByLabel('Item').fill(item);
    await frame.getByRole('button', { name: 'Add' }).click();
    await expect(frame.getByRole('listitem')).toHaveText([item]);
  }
  await page.goto(`${other}/frame?url=${shop}/framed/`);
  await expect(frame.getByRole('listitem')).toHaveText(['Tea']);
  await page.goto(`${shop}/framed/`);
  await expect(page.getByRole('listitem')).toHaveCount(0);
  const keys = (await context.cookies()).map(cookie => [cookie.name, cookie.sameSite, cookie.partitionKey]);
  expect(keys).toEqual([['__Host-framed', 'None', 'https://other.test'], ['__Host-framed', 'None', 'https://third.test']]);
});
