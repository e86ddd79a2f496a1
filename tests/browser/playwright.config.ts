import { defineConfig } from '@playwright/test';

const browsers = (process.env.BROWSERS || 'chromium').split(',');

// Other browsers know these names by /etc/hosts.
const names = '--host-resolver-rules=MAP *.test 127.0.0.1';

export default defineConfig({
  workers: 2,
  fullyParallel: true,
  reporter: 'list',
  timeout: 3 * 60_000, // for a machine that does much else
  expect: { timeout: 30_000 },
  use: {
    ignoreHTTPSErrors: true,
    trace: { mode: 'retain-on-failure', screenshots: false }, // a film of each test takes long
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'chromium',
      use: { browserName: 'chromium', launchOptions: { executablePath: process.env.CHROMIUM, args: [names] } },
    },
    { name: 'firefox', use: { browserName: 'firefox' }, testIgnore: 'back.spec.ts' },
    { name: 'webkit', use: { browserName: 'webkit' }, testIgnore: 'back.spec.ts' },
  ].filter(project => browsers.includes(project.name)),
});
