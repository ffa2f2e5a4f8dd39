// node draw.mjs PROMETHEUS OUT [--empty-is-fine]: draws each dashboard as OUT/NAME.png, by panels.jsx in Chromium.
// NODE_PATH names the folder with Grafana's components, esbuild and puppeteer-core.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NODE_PATH);
const load = createRequire(join(modules, 'from-here.js'));
const { build } = load('esbuild');
const puppeteer = load('puppeteer-core');
const [prometheus, out] = process.argv.slice(2);
const emptyIsFine = process.argv.includes('--empty-is-fine');
const WIDTH = 1600, GRID = 38;

const work = await mkdtemp(join(tmpdir(), 'camsentry-draw-'));
let browser;
try {
  await bundle();
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', userDataDir: join(work, 'browser'),
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--allow-file-access-from-files'],
  });
  await mkdir(out, { recursive: true });
  for (const file of (await readdir(join(here, '../dashboards'))).sort()) await draw(file);
} finally {
  await browser?.close();
  await rm(work, { recursive: true, force: true });
}

async function bundle() {
  await symlink(modules, join(work, 'node_modules'));
  await writeFile(join(work, 'panels.jsx'), await readFile(join(here, 'panels.jsx')));
  await build({
    entryPoints: [join(work, 'panels.jsx')], outfile: join(work, 'panels.js'), bundle: true, minify: true, preserveSymlinks: true,
    loader: { '.svg': 'dataurl', '.ttf': 'dataurl', '.woff2': 'dataurl' }, logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  });
}

async function draw(file) {
  const name = basename(file, '.json');
  const dashboard = JSON.parse(await readFile(join(here, '../dashboards', file), 'utf8'));
  const height = 16 + GRID * Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const given = JSON.stringify({ prometheus, now: Math.floor(Date.now() / 1000), width: WIDTH, dashboard });
  await writeFile(join(work, `${name}.html`), `<!doctype html><meta charset=utf-8><link rel=stylesheet href=panels.css>
<style>html,body{margin:0;background:#111217}</style><div id=root></div>
<script>window.CAMSENTRY=${given.replaceAll('<', '\\u003c')}</script><script src=panels.js></script>`);
  const page = await browser.newPage();
  const faults = [], empty = [];
  page.on('pageerror', (fault) => faults.push(String(fault)));
  page.on('console', (message) => {
    const [, what, rest] = message.text().match(/^CAMSENTRY (fault|empty): (.*)/) ?? [];
    if (what) (what === 'fault' ? faults : empty).push(rest);
  });
  await page.setViewport({ width: WIDTH, height });
  await page.goto(pathToFileURL(join(work, `${name}.html`)).href);
  const panels = dashboard.panels.filter((panel) => panel.type !== 'row').length;
  await page.waitForFunction((count) => window.CAMSENTRY.answered === count, { timeout: 120_000 }, panels);
  // A graph is there when something is painted on its canvas.
  await page.waitForFunction(() => [...document.querySelectorAll('canvas')].every((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value !== 0);
  }), { timeout: 60_000, polling: 500 }).catch(() => faults.push('a graph stays blank'));
  await new Promise((done) => setTimeout(done, 500));
  const graphs = await page.$$eval('canvas', (all) => all.length);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await page.close();
  console.log(`${name}.png: ${panels} panels, ${graphs} of them graphs, ${empty.length} empty, ${faults.length} faults`);
  for (const line of empty) console.log(`  empty: ${line}`);
  for (const line of faults) console.log(`  fault: ${line}`);
  if (faults.length || (empty.length && !emptyIsFine)) process.exitCode = 1;
}
