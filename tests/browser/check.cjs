// usage: node check.cjs BROWSER FOLDER PAGE...   Checks FOLDER/PAGE.html; see run.sh.
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [browserPath, folder, ...pages] = process.argv.slice(2);
let failures = 0;

function check(ok, page, what) {
  if (!ok) {
    failures++;
    console.log(`FAIL ${page}: ${what}`);
  }
}

// Every table by every column, up and down: in order, and no row lost.
function sortTables() {
  const problems = [];
  document.querySelectorAll('table').forEach((table) => {
    const name = table.caption.textContent;
    const rows = () => Array.from(table.tBodies[0].rows);
    const before = rows().map((r) => r.textContent).sort().join('\n');
    table.querySelectorAll('thead th').forEach((th, i) => {
      const button = th.querySelector('button');
      if (!button) return;
      for (let turn = 0; turn < 2; turn++) {
        button.click();
        const order = th.getAttribute('aria-sort');
        if (order !== 'ascending' && order !== 'descending') problems.push(`${name}: no aria-sort`);
        const keys = rows()
          .map((r) => r.cells[i])
          .filter((c) => c.hasAttribute('data-v') && c.getAttribute('data-v') !== '')
          .map((c) => Number(c.getAttribute('data-v')));
        for (let k = 1; k < keys.length; k++)
          if (order === 'ascending' ? keys[k] < keys[k - 1] : keys[k] > keys[k - 1])
            problems.push(`${name}: column ${i} is not ${order}`);
      }
    });
    if (rows().map((r) => r.textContent).sort().join('\n') !== before)
      problems.push(`${name}: other rows after sorting`);
    if (table.querySelectorAll('th[aria-sort]').length !== 1)
      problems.push(`${name}: more than one sorted column`);
  });
  return problems;
}

async function visit(browser, name, width, scheme) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme: scheme, bypassCSP: true,
  });
  const page = await context.newPage();
  const title = `${name} ${width} ${scheme}`;
  page.on('console', (m) => check(false, title, `console: ${m.text()}`));
  page.on('pageerror', (e) => check(false, title, `error: ${e.message}`));
  page.on('dialog', (d) => { check(false, title, 'a dialog'); d.dismiss(); });
  const url = `file://${path.join(folder, name)}.html`;
  page.on('request', (r) => check(r.url() === url || r.url().startsWith('data:'), title,
    `request ${r.url()}`));
  await page.goto(url);

  const facts = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - window.innerWidth,
    figures: document.querySelectorAll('figure').length,
    empty: Array.from(document.querySelectorAll('figure')).filter((f) => {
      const svg = f.querySelector('svg');
      return !svg || svg.getBoundingClientRect().width < 100 ||
        svg.querySelectorAll('path,polygon,rect,circle,ellipse,line').length < 3;
    }).map((f) => f.textContent.slice(0, 80)),
    small: Array.from(document.querySelectorAll('button,nav a'))
      .filter((e) => e.getBoundingClientRect().height < 16).length,
  }));
  check(facts.wide <= 0, title, `${facts.wide} pixels wider than the window`);
  check(facts.figures > 3, title, `${facts.figures} figures`);
  check(facts.empty.length === 0, title, `not drawn: ${facts.empty.join('; ')}`);

  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'],
  }));
  for (const v of result.violations)
    check(false, title, `axe ${v.id}: ${v.help} (${v.nodes.length}, ` +
      `${v.nodes[0].html.slice(0, 160)}; ${v.nodes[0].failureSummary.slice(0, 200)})`);
  await page.screenshot({ path: path.join(folder, `${name}-${width}-${scheme}.png`), fullPage: true });

  // By keyboard too: the first title is reached and pressed.
  await page.locator('thead th button').first().focus();
  await page.keyboard.press('Enter');
  check(await page.locator('th[aria-sort]').count() === 1, title, 'Enter does not sort');
  for (const problem of await page.evaluate(sortTables)) check(false, title, problem);
  if (scheme === 'light' && width > 1000) await print(page, name, title);
  await context.close();
}

// On A4 with its margins nothing may be cut: paper does not scroll.
async function print(page, name, title) {
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 718, height: 1000 });
  const cut = await page.evaluate(() => Array.from(document.querySelectorAll('.wrap, figure svg'))
    .filter((e) => Math.max(e.scrollWidth, e.getBoundingClientRect().right) > window.innerWidth)
    .map((e) => (e.ariaLabel || e.textContent).slice(0, 80)));
  check(cut.length === 0, title, `cut on paper: ${cut.join('; ')}`);
  await page.screenshot({ path: path.join(folder, `${name}-print.png`), fullPage: true });
  await page.pdf({ path: path.join(folder, `${name}.pdf`), format: 'A4' });
}

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  for (const name of pages)
    for (const width of [390, 1400])
      for (const scheme of ['light', 'dark']) await visit(browser, name, width, scheme);
  await browser.close();
  console.log(failures ? `${failures} failures` : `${pages.length} pages pass`);
  process.exit(failures ? 1 : 0);
})();
