import { createServer, IncomingMessage, request as send } from 'node:http';
import { AddressInfo } from 'node:net';
import { BrowserContext, expect, Page, request as http } from '@playwright/test';
import { fillIn, Shop, signIn, signOut, storeFlag, test as base } from './shop';

// Chromium signs at most six times in nine minutes for a site, and refreshes a cookie
// by itself two minutes before it ends. So each test has a site of its own and counts
// its signatures, and one that waits for the end of a cookie sends few requests.

type Fixtures = {
  open(shop: { url: string }, profile?: string): Promise<BrowserContext>; // a browser that can bind sessions
  before(shop: Shop, pass: Pass): Promise<{ url: string }>; // a proxy before the shop
};

// A Pass is called with each request to the device's handler. It may wait, and it may
// return a status to answer with.
type Pass = (request: IncomingMessage) => Promise<number | void>;

const test = base.extend<Fixtures>({
  open: async ({ playwright, launchOptions }, use, info) => {
    const browsers: BrowserContext[] = [];
    await use(async (shop, profile = 'profile') => {
      const browser = await playwright.chromium.launchPersistentContext(info.outputPath(profile), {
        ...launchOptions,
        baseURL: secure(shop),
        ignoreDefaultArgs: ['--disable-features'],
        args: [
          ...launchOptions.args!, '--headless=new', `--ignore-certificate-errors-spki-list=${process.env.SECURE_KEY}`,
          '--enable-features=EnableBoundSessionCredentialsSoftwareKeysForManualTesting,DeviceBoundSessions',
        ],
      });
      browsers.push(browser);
      return browser;
    });
    for (const browser of browsers) await browser.close();
  },
  before: async ({}, use) => {
    const proxies: ReturnType<typeof createServer>[] = [];
    await use(async (shop, pass) => {
      const proxy = createServer(async (request, response) => {
        const status = request.url!.startsWith('/device') ? await pass(request) : undefined;
        if (status) return response.writeHead(status).end();
        request.pipe(send(shop.url + request.url, { method: request.method, headers: request.headers }, answer => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        }));
      });
      proxies.push(proxy);
      await new Promise<void>(ready => proxy.listen(0, 'localhost', ready));
      return { url: `http://localhost:${(proxy.address() as AddressInfo).port}` };
    });
    for (const proxy of proxies) {
      proxy.close();
      proxy.closeAllConnections();
    }
  },
});

// TestBrowser has a proxy for that.
const secure = (shop: { url: string }) => `https://shop-${new URL(shop.url).port}.test:${process.env.SECURE_PORT}`;

// Each framework and each store.
for (const [adapter, store] of [
  ['nethttp', 'sqlite'],
  ['chi', 'postgres'],
  ['echo', 'mysql'],
  ['fiber', 'redis'],
  ['gin', 'memory'],
]) {
  test(`a session is bound to the device, with ${adapter} and ${store}`, async ({ openShop, open }, info) => {
    const shop = await openShop('-adapter', adapter, '-store', storeFlag(store, info.outputPath()), '-device', '10m');
    let browser = await open(shop);
    let page = await browser.newPage();
    const log = () => page.getByRole('list', { name: 'What the browser has done' }).getByRole('listitem');
    const { registered } = await follow(page);
    await page.goto('/');
    await signIn(page, 'admin', 'black-tea'); // the story changes the password of ann

    await test.step('a login binds it, and the page tells', async () => {
      await page.goto('/binding');
      await expect(async () => {
        await page.reload();
        await expect(page.getByText('is bound to this device')).toBeVisible({ timeout: 1000 });
      }).toPass();
      expect(await cookieLasts(browser)).toBeGreaterThan(0);
      expect(await cookieLasts(browser)).toBeLessThan(601);
      await expect.poll(() => registered).toEqual([true]);
    });

    await test.step('the page shows refreshes as they happen, and no request of two tabs fails', async () => {
      const tab = await browser.newPage();
      await tab.goto('/account');
      for (const refreshes of [1, 2]) {
        const requests = [busy(page), busy(tab)];
        await browser.clearCookies(); // as at the end of its time
        expect((await Promise.all(requests)).flat().filter(who => who !== 'admin')).toEqual([]);
        await expect(log().filter({ hasText: 'refreshed' })).toHaveCount(refreshes);
      }
      await tab.close();
    });

    await test.step('a browser that is closed and opened again goes on', async () => {
      await browser.close();
      browser = await open(shop);
      await browser.clearCookies();
      page = await browser.newPage();
      await page.goto('/account');
      await expect(page.getByText('signed in as admin')).toBeVisible();
    });

    if (store !== 'memory') {
      await test.step('a server that ends and starts again goes on', async () => {
        await shop.stop();
        await shop.start();
        await browser.clearCookies();
        await page.goto('/account');
        await expect(page.getByText('signed in as admin')).toBeVisible();
      });
    }

    await test.step('a logout is one', async () => {
      await signOut(page);
      await page.goto('/account');
      await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    });
  });
}

test('a copy of the cookie soon opens nothing, and its owner goes on', async ({ openShop, openDevice, open }) => {
  const shop = await openShop('-device', '4s');
  const browser = await open(shop);
  const page = await browser.newPage();
  await page.goto('/style.css'); // a page of one request
  await page.evaluate(() => fetch('/login', { method: 'POST', body: new URLSearchParams({ name: 'ann', password: 'green-tea' }), redirect: 'manual' }));
  await expect(async () => expect(await cookieLasts(browser)).toBeGreaterThan(0)).toPass();
  const thief = await copy(browser, shop);
  expect(await thief.who()).toBe('ann');

  const unbound = await openDevice(shop); // a browser that does not know how to bind a session
  await unbound.goto('/');
  await signIn(unbound);
  const other = await copy(unbound.context(), shop);

  await expect(async () => expect(await thief.who()).toBe('')).toPass();
  expect(await other.who()).toBe('ann');
  const bad: Record<string, string>[] = [{}, { 'Secure-Session-Response': 'junk' }, { 'Sec-Secure-Session-Id': 'name', 'Secure-Session-Response': 'junk' }];
  for (const headers of bad) {
    expect((await thief.post(headers)).status()).toBe(400);
  }
  expect((await thief.post({ 'Sec-Secure-Session-Id': 'name' })).status()).toBe(403); // sign this
  expect(await page.evaluate(who)).toBe('ann');
  expect(await thief.who()).toBe('');
});

test('the login of another in the same browser takes the place of the first', async ({ openShop, open }) => {
  const shop = await openShop('-device', '10m');
  const browser = await open(shop);
  const page = await browser.newPage();
  const { registered } = await follow(page);
  await page.goto('/');
  await signIn(page);
  await expect.poll(() => registered).toEqual([true]);

  const [cookie] = await browser.cookies(); // one that opens nothing: without a cookie, Chromium would first refresh that of ann
  await browser.addCookies([{ ...cookie, value: 'none', expires: -1 }]);
  await page.goto('/');
  await expect(page.getByText('signed in as ann')).toBeHidden();
  await signIn(page, 'admin', 'black-tea');
  await expect.poll(() => registered).toEqual([true, true]);
  await browser.clearCookies();
  await page.goto('/account');
  await expect(page.getByText('signed in as admin')).toBeVisible();

  await signOut(page);
  await browser.clearCookies();
  await page.goto('/account'); // the session of ann is still there, and Chromium has no key for it
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a refresh that was on its way at a login does not end it', async ({ openShop, open, before }) => {
  const held = step(), login = step();
  const site = await before(await openShop('-device', '10m'), async request => {
    if (!request.headers['sec-secure-session-id'] || held.taken) return;
    held.take();
    await login.done;
  });
  const browser = await open(site);
  const page = await browser.newPage();
  const { registered, refreshed } = await follow(page);
  await page.goto('/');
  await signIn(page);
  await expect.poll(() => registered).toEqual([true]);
  const [cookie] = await browser.cookies();
  await browser.addCookies([{ ...cookie, expires: Date.now() / 1000 + 100 }]); // then Chromium refreshes it by itself
  await page.goto('/login');
  await held.done;
  await fillIn(page, 'admin', 'black-tea');
  await expect.poll(() => registered).toEqual([true, true]);
  login.take();
  await expect.poll(() => refreshed).toEqual(['ServerError']); // a FatalError ends what is registered by now
  await browser.clearCookies();
  await page.goto('/account');
  await expect(page.getByText('signed in as admin')).toBeVisible();
});

test('a registration that failed is asked for again', async ({ openShop, open, before }) => {
  let registrations = 0;
  const site = await before(await openShop('-device', '10m', '-idle', '30s'), async () => { // a use is recorded after 3 seconds
    if (registrations++ === 0) return 503;
  });
  const browser = await open(site);
  const page = await browser.newPage();
  await page.goto('/');
  await signIn(page);
  await expect(async () => { // Chromium does not repeat it
    await page.goto('/account');
    expect(await cookieLasts(browser)).toBeGreaterThan(300);
  }).toPass();
  expect(registrations).toBe(2);
});

test('who cannot refresh is no visitor', async ({ openShop, open }) => {
  const shop = await openShop('-device', '4s');
  const page = await (await open(shop)).newPage();
  await page.goto('/');
  await signIn(page);
  await expect(async () => { // until Chromium signs no more, and the cookie is gone
    await page.goto('/');
    await expect(page.getByText('signed in as ann')).toBeHidden({ timeout: 1 });
  }).toPass();
  await page.goto('/login');
  await page.getByLabel('Name').fill('ann');
  await page.getByLabel('Password').fill('green-tea');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('status')).toHaveText('You are signed in as ann.');
});

// A step is taken once, and others wait for it.
function step() {
  let resolve = () => {};
  const s = { taken: false, done: new Promise<void>(r => { resolve = r; }), take: () => { s.taken = true; resolve(); } };
  return s;
}

// follow notes what Chromium does with its sessions, as the DevTools have it. A cookie says
// less: it is there a while before Chromium knows the session.
async function follow(page: Page) {
  const tools: any = await page.context().newCDPSession(page); // Playwright's types do not know these
  const registered: boolean[] = [], refreshed: string[] = [];
  tools.on('Network.deviceBoundSessionEventOccurred', (event: any) => {
    if (event.creationEventDetails) registered.push(event.succeeded);
    if (event.refreshEventDetails) refreshed.push(event.refreshEventDetails.refreshResult);
  });
  await tools.send('Network.enableDeviceBoundSessions', { enable: true });
  return { registered, refreshed };
}

// cookieLasts is how many seconds the cookie is good; it is -1 if it goes with the browser.
async function cookieLasts(browser: BrowserContext) {
  const [{ expires }] = await browser.cookies();
  return expires < 0 ? expires : expires - Date.now() / 1000;
}

// who returns who is signed in, or what else the answer was.
const who = async () => {
  const answer = await fetch('/account');
  return /signed in as <strong>(\w+)/.exec(await answer.text())?.[1] ?? `${answer.status} ${answer.url}`;
};

// busy sends many requests, and returns who was signed in to each.
const busy = (page: Page) => page.evaluate(`(async () => {
  const seen = [];
  for (let i = 0; i < 30; i++) seen.push(await (${who})());
  return seen;
})()`) as Promise<string[]>;

// copy makes a client with a copy of a browser's cookie.
async function copy(browser: BrowserContext, shop: Shop) {
  const [cookie] = await browser.cookies();
  const client = await http.newContext({ baseURL: shop.url, extraHTTPHeaders: { Cookie: `${cookie.name}=${cookie.value}` } });
  const id = Buffer.from(cookie.value, 'base64url').toString('hex').slice(0, 32);
  return {
    who: async () => /signed in as <strong>(\w+)/.exec(await (await client.get('/account')).text())?.[1] ?? '',
    post: (headers: Record<string, string>) => client.post(`/device?session=${id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`, { headers }),
  };
}
