import { defineConfig, PlaywrightTestOptions, PlaywrightWorkerOptions, Project } from '@playwright/test';

if (!process.env.SITES) throw new Error('TestBrowser starts what the specs need. From the root of the repository: go test -count=1 ./tests/browser');

const browsers = (process.env.BROWSERS || 'chromium').split(',');

// A Chromium without a window may keep no page for the back button, and no key.
const needWindow = ['back.spec.ts', 'device.spec.ts'];

// Nor do Playwright's others, and not all of them know Partitioned.
const onlyChromium = ['frame.spec.ts', ...needWindow];

const chromium = (executablePath?: string) => ({
  browserName: 'chromium' as const,
  launchOptions: {
    executablePath,
    args: ['--host-resolver-rules=MAP *.test 127.0.0.1'], // others need the names in /etc/hosts
  },
});

const projects: Project<PlaywrightTestOptions, PlaywrightWorkerOptions>[] = [
  { name: 'chromium', use: chromium(process.env.HEADLESS), testIgnore: needWindow },
  { name: 'chromium with a window', use: chromium(process.env.CHROMIUM), testMatch: needWindow },
  { name: 'firefox', use: { browserName: 'firefox' }, testIgnore: onlyChromium },
  { name: 'webkit', use: { browserName: 'webkit' }, testIgnore: onlyChromium },
];

export default defineConfig({
  projects: projects.filter(project => browsers.includes(project.use!.browserName!)),
  workers: 2,
  fullyParallel: true,
  reporter: 'list',
  preserveOutput: 'failures-only',
  // For a machine that does much else.
  timeout: 20 * 60_000,
  globalTimeout: 60 * 60_000,
  expect: { timeout: 3 * 60_000 },
  use: {
    ignoreHTTPSErrors: true,
    trace: { mode: 'retain-on-failure', screenshots: false }, // a film of each test takes long
    screenshot: 'only-on-failure',
  },
});
