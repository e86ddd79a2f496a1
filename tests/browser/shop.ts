import { ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BrowserContext, BrowserContextOptions, expect, Page, test as base } from '@playwright/test';

// A Shop is a process of the example.
export class Shop {
  url = '';
  private process?: ChildProcess;

  constructor(private flags: string[], private log: string) {}

  // start starts it, on the same port as before. At first it takes one that no system
  // gives to others while the shop is down.
  async start() {
    for (let attempt = 0; !this.url && attempt < 9; attempt++) {
      if (await this.startAt(`localhost:${randomInt(12000, 20000)}`)) return;
    }
    if (!this.url || !(await this.startAt(new URL(this.url).host))) throw new Error('the shop ended before it was open');
  }

  private async startAt(addr: string) {
    this.process = spawn(process.env.SHOP!, ['-addr', addr, ...this.flags], { stdio: ['ignore', 'pipe', openSync(this.log, 'a')] });
    for await (const line of createInterface(this.process.stdout!)) {
      const address = /^Open (\S+)/.exec(line);
      if (address) {
        this.url = address[1];
        this.process.stdout!.resume();
        return true;
      }
    }
    return false;
  }

  // stop ends it in order, or as a crash does.
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }
}

type Fixtures = {
  openShop(...flags: string[]): Promise<Shop>;
  openDevice(shop: Shop, options?: BrowserContextOptions): Promise<Page>; // a browser of its own
};

// A test may open shops and devices, which end with it.
export const test = base.extend<Fixtures>({
  openShop: async ({ browserName }, use, info) => {
    const shops: Shop[] = [];
    await use(async (...flags) => {
      if (browserName === 'webkit') flags.push('-insecure'); // it sends no Secure cookie to http://localhost
      const shop = new Shop(flags, info.outputPath('shop.log'));
      shops.push(shop);
      await shop.start();
      return shop;
    });
    for (const shop of shops) await shop.stop('SIGKILL');
  },
  openDevice: async ({ browser }, use) => {
    const devices: BrowserContext[] = [];
    await use(async (shop, options) => {
      const device = await browser.newContext({ ...options, baseURL: shop.url });
      devices.push(device);
      return device.newPage();
    });
    for (const device of devices) await device.close();
  },
});

// storeFlag is what the example's -store takes for a store, whose file is in a folder.
export const storeFlag = (store: string, folder: string) => ({
  memory: 'memory',
  sqlite: `sqlite:${join(folder, 'shop.db')}`,
  postgres: process.env.POSTGRES!,
  mysql: process.env.MYSQL!,
  redis: process.env.REDIS!,
})[store]!;

export async function signIn(page: Page, name = 'ann', password = 'green-tea') {
  await page.getByRole('navigation').getByRole('link', { name: 'Sign in' }).click();
  await fillIn(page, name, password);
  await expect(page.getByRole('status')).toHaveText(`You are signed in as ${name}.`);
}

// fillIn sends the form of the login page.
export async function fillIn(page: Page, name = 'ann', password = 'green-tea') {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function signOut(page: Page) {
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('navigation').getByRole('link', { name: 'Sign in' })).toBeVisible();
}

export async function add(page: Page, item: string, amount = 1) {
  await submit(page, item, amount);
  await expect(page.getByRole('status')).toHaveText(`Added ${amount} × ${item}.`);
}

// submit does not wait for the note: tabs share the session, and so its one note.
export async function submit(page: Page, item: string, amount = 1) {
  await page.getByLabel('Item').fill(item);
  await page.getByLabel('How many').fill(String(amount));
  await page.getByRole('button', { name: 'Add', exact: true }).click();
}

// cart is what the front page shows of the cart, such as "2 × Tea".
export const cart = (page: Page) => page.getByRole('list', { name: 'Cart' }).locator('.name');

// faults collects what goes wrong in pages without being seen. A browser also
// reports each page that is an error, which is none.
export function faults(...pages: Page[]) {
  const seen: string[] = [];
  for (const page of pages) {
    page.on('pageerror', error => seen.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) seen.push(message.text());
    });
    page.on('requestfinished', async request => {
      const status = (await request.response())!.status();
      if (!request.isNavigationRequest() && status >= 400) seen.push(`${status} ${request.url()}`);
    });
  }
  return seen;
}
