import { defineConfig, Project } from '@playwright/test';

if (!process.env.SITES) throw new Error('TestBrowser starts what the specs need. From the root of the repository: go test -count=1 ./tests/browser');

const browsers = (process.env.BROWSERS || 'chromium').split(',');

// Not all others know Partitioned, and Playwright's keep no page for the back button.
const onlyChromium = ['frame.spec.ts', 'back.spec.ts'];

const projects: Project[] = [
  {
    name: 'chromium',
    use: {
      browserName: 'chromium',
      launchOptions: {
        executablePath: process.env.CHROMIUM,
        args: ['--host-resolver-rules=MAP *.test 127.0.0.1'], // others need the names in /etc/hosts
      },
    },
  },
  { name: 'firefox', use: { browserName: 'firefox' }, testIgnore: onlyChromium },
  { name: 'webkit', use: { browserName: 'webkit' }, testIgnore: onlyChromium },
];

export default defineConfig({
  projects: projects.filter(project => browsers.includes(project.name!)),
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
