import { APIRequestContext, BrowserContext, expect, Page } from '@playwright/test';

type Ports = { http: number; https: number };

// The sites of tests/browser/site, by adapter.
export const sites: Record<string, Ports> = JSON.parse(process.env.SITES!);
export const adapters = Object.keys(sites).sort();

// The addresses of a site: on localhost, and by other names.
export function addresses(ports: Ports) {
  return {
    local: `http://localhost:${ports.http}`,
    shop: `https://shop.test:${ports.https}`,
    other: `https://other.test:${ports.https}`,
    third: `https://third.test:${ports.https}`,
  };
}

export async function signIn(page: Page, name: string) {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading')).toHaveText(`Signed in as ${name}`);
}

export async function signOut(page: Page) {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading')).toHaveText('Nobody is signed in');
}

export async function add(page: Page, item: string) {
  await page.getByLabel('Item').fill(item);
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByRole('listitem').last()).toHaveText(item);
}

export async function cookie(context: BrowserContext, name: string) {
  return (await context.cookies()).find(cookie => cookie.name === name);
}

// held waits until the server holds back an answer. release lets it go.
export async function held(request: APIRequestContext, url: string, name: string) {
  await expect.poll(async () => (await request.get(`${url}/held/${name}`)).status()).toBe(204);
}

export async function release(request: APIRequestContext, url: string, name: string) {
  await request.post(`${url}/release/${name}`);
}
