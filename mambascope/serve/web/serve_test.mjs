// Checks the page of a running `mambascope serve` in Chromium:
//   node serve_test.mjs URL [folder of node_modules]
// It prints a line per check, and exits with 1 if one failed. It makes and saves an edit.
import {createRequire} from 'node:module';
import path from 'node:path';

const [url, modules] = process.argv.slice(2);
if (!url) {
  console.error('usage: node serve_test.mjs URL [folder of node_modules]');
  process.exit(2);
}
const require = createRequire(modules ? path.resolve(modules, 'x') : import.meta.url);
const {chromium} = require('playwright-core');

const kHostile = '</script><img src=x onerror=alert(1)>';
const kWait = {
  timeout: 60000
};
let failures = 0, problems = [];

async function check(name, does) {
  problems = [];
  try {
    await does();
    if (problems.length) throw new Error(problems.join('; '));
    console.log(`ok      ${name}`);
  } catch (error) {
    ++failures;
    console.log(
        `FAILED  ${name}: ${String(error.message ?? error).split('\n').slice(0, 4).join(' | ')}`);
  }
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

const browser = await chromium.launch(
    {executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox']});

// A fresh page. Ended runs are no failed requests.
async function open({hash = '', ...options} = {}) {
  const context = await browser.newContext(
      {viewport: {width: 1280, height: 900}, acceptDownloads: true, ...options});
  const page = await context.newPage();
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', error => problems.push(`error: ${error.message}`));
  page.on('requestfailed', request => {
    if (request.failure()?.errorText !== 'net::ERR_ABORTED')
      problems.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('dialog', dialog => {
    problems.push('a dialog opened');
    void dialog.dismiss();
  });
  await page.goto(url + hash);
  await page.waitForSelector('html[data-state=ready]', kWait);
  return page;
}

const drawn = (page, view, index = 0) => page.waitForFunction(
    ([view, index]) =>
        document.querySelectorAll(`[data-view="${view}"]`)[index]?.dataset.state === 'drawn',
    [view, index], kWait);
const tab = (page, name) => page.getByRole('tab', {name, exact: true}).click();
const prompt = (page, index = 0) => page.getByLabel('Prompt', {exact: true}).nth(index);
const label = (page, name, index = 0) => page.getByLabel(name, {exact: true}).nth(index);
const tokens = (page, index = 0) =>
    page.locator('[data-view=predict]').nth(index).locator('.token');
const marked = page =>
    page.locator('[data-view=predict] .token[aria-pressed=true]').allTextContents();
const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

// Types the fact of the README's example, and marks its subject by the subject's field.
async function typeFact(page, index = 0) {
  await prompt(page, index).fill('The landmark called {} can be found in');
  await label(page, 'Subject', index).fill('Louvre');
  await label(page, 'Other subject', index).fill('Colosseum');
}

const page = await open();

await check('a first visit shows an example', async () => {
  await drawn(page, 'predict');
  await drawn(page, 'sites');
  expect((await marked(page)).length > 0, 'no subject is marked');
});

await check('bars appear after typing', async () => {
  await prompt(page).fill('');
  await prompt(page).pressSequentially('The landmark called Louvre can be found in', {delay: 5});
  await page.waitForFunction(() => {
    const view = document.querySelector('[data-view=predict]');
    return view.dataset.state === 'drawn' && view.querySelectorAll('.bars li').length === 10 &&
        [...view.querySelectorAll('.token')].map(t => t.textContent).join('').endsWith('in');
  }, null, kWait);
  const first = await page.locator('[data-view=predict] .bars li').first().textContent();
  expect(/\d/.test(first), `the first bar has no number: ${first}`);
});

await check('dragging over tokens marks the subject', async () => {
  const texts = await tokens(page).allTextContents();
  const first = texts.findIndex(text => text.startsWith('\u00b7Lou'));
  const last = texts.findIndex(text => text === '\u00b7can') - 1;
  expect(first > 0 && last >= first, `tokens: ${texts}`);
  await tokens(page).nth(first).hover();
  await page.mouse.down();
  await tokens(page).nth(last).hover();
  await page.mouse.up();
  expect(await label(page, 'Subject').inputValue() === 'Louvre', 'the subject is not Louvre');
  await tokens(page).nth(1).click();
  expect(await label(page, 'Subject').inputValue() === 'landmark', 'a click does not mark a token');
  await tokens(page).nth(first).click();
  await tokens(page).nth(last).click({modifiers: ['Shift']});
  expect((await marked(page)).length === last - first + 1, 'Shift and a click do not mark a range');
});

await check('the subject moves with the text before it', async () => {
  await prompt(page).fill('In France, the landmark called Louvre can be found in');
  await drawn(page, 'predict');
  expect(await label(page, 'Subject').inputValue() === 'Louvre', 'the subject is lost');
});

await check('the subject of an example is found in a prompt that is typed anew', async () => {
  const example = await page.locator('optgroup').nth(1).locator('option').first().textContent();
  const subject = example.split(' \u2192 ')[0];
  await prompt(page).fill('');
  await prompt(page).fill(`I know that ${subject} is`);
  expect(await label(page, 'Subject').inputValue() === subject, `the subject is not ${subject}`);
  expect(await label(page, 'Other subject').inputValue() !== '', 'there is no other subject');
});

await check('maps are drawn, one per site, with a legend', async () => {
  await typeFact(page);
  await drawn(page, 'predict');
  await drawn(page, 'sites');
  const sites = await page.locator('[data-view=sites] .map')
                    .evaluateAll(maps => maps.map(m => m.dataset.site));
  expect(sites.includes('resid') && sites.length > 1, `sites: ${sites}`);
  expect(await page.locator('[data-site=resid] .legend-frame').count() === 1, 'no legend');
  expect(
      await page.locator('[data-site=resid] .subject').count() === (await marked(page)).length,
      'the rows of the subject are not marked');
});

await check('a cell says its value, and shows three lists', async () => {
  const cell = page.locator('[data-site=resid] [data-row="3"][data-layer="2"]');
  await cell.hover();
  const said = await page.locator('[data-view=sites] > .cell').textContent();
  expect(/layer 2.*resid \d/.test(said), `the cell says: ${said}`);
  await cell.click();
  await drawn(page, 'cell');
  const names = await page.locator('[data-view=cell] h4').allTextContents();
  expect(names.join() === 'clean,corrupted,patched', `lists: ${names}`);
  expect(await page.locator('[data-view=cell] .bars li').count() === 30, 'there are not 30 bars');
});

await check('a site is switched off and on', async () => {
  const chip = page.getByRole('button', {name: 'resid', exact: true});
  await chip.click();
  await page.waitForFunction(() => !document.querySelector('[data-site=resid]'), null, kWait);
  await chip.click();
  await page.waitForSelector('[data-site=resid][data-state=drawn]', kWait);
  await drawn(page, 'sites');
});

await check('indirect effects and logit differences', async () => {
  for (const [value, text] of [
           ['ie', 'indirect effect'], ['logit_diff', 'logit difference'], ['p', 'p(answer)']]) {
    await label(page, 'Show').selectOption(value);
    await page.locator('[data-site=resid] text', {hasText: text}).first().waitFor(kWait);
  }
});

await check('commands are copied, JSON is downloaded', async () => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const view = page.locator('[data-view=sites] > .actions');
  await view.getByRole('button', {name: 'Copy command'}).click();
  await view.getByText('Copied.').waitFor(kWait);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.startsWith('mambascope trace '), `copied: ${copied}`);
  const [file] = await Promise.all([
    page.waitForEvent('download', kWait), view.getByRole('button', {name: 'Download JSON'}).click()
  ]);
  expect(file.suggestedFilename() === 'trace.json', file.suggestedFilename());
});

for (const name of ['Paths', 'Knockout', 'Attention']) {
  await check(`the tab ${name} draws figures`, async () => {
    await tab(page, name);
    await drawn(page, name.toLowerCase());
    expect(
        await page.locator(`[data-view=${name.toLowerCase()}] .plot svg`).count() > 0, 'no figure');
  });
}

await check('a figure is saved as SVG, PNG and CSV', async() => {
  const figure = page.locator('[data-view=attention] .figure').first();
  for (const type of ['SVG', 'PNG', 'CSV']) {
    const [file] = await Promise.all([
      page.waitForEvent('download', kWait),
      figure.getByRole('button', {name: `Save ${type}`}).click(),
    ]);
    expect(file.suggestedFilename().endsWith(type.toLowerCase()), file.suggestedFilename());
  }
});

await check('own tokens are sources of a knockout', async () => {
  await tab(page, 'Knockout');
  await drawn(page, 'knockout');
  const strip = page.locator('[data-view=knockout] .own-set').first().locator('.token');
  await strip.nth(0).click();
  await strip.nth(3).hover();
  await page.mouse.down();
  await strip.nth(4).hover();
  await page.mouse.up();
  await page.locator('[data-view=knockout] .command', {hasText: '0,3-4'}).waitFor(kWait);
  await drawn(page, 'knockout');
  await page.getByRole('button', {name: 'map of tokens'}).click();
  await page.locator('[data-view=knockout] .command', {hasText: '--heatmap'}).waitFor(kWait);
  await drawn(page, 'knockout');
});

await check('mean ablation and groups of channels', async () => {
  await label(page, 'Cut').selectOption('mean');
  await page.locator('[data-view=knockout] .command', {hasText: '--mode mean'}).waitFor(kWait);
  await drawn(page, 'knockout');
  await label(page, 'Cut').selectOption('cut');
  await page.getByRole('button', {name: 'fast', exact: true}).click();
  await page.locator('[data-view=knockout] .command', {hasText: '--channels all,fast'})
      .waitFor(kWait);
  await drawn(page, 'knockout');
});

await check('Back returns to the tab before', async () => {
  await tab(page, 'Attention');
  await drawn(page, 'attention');
  await page.goBack();
  await page.waitForFunction(
      () => document.querySelector('#tab-knockout').ariaSelected === 'true', null, kWait);
});

await check('an edit is made, tried, saved, downloaded and discarded', async () => {
  await tab(page, 'Edit');
  await label(page, 'New object').fill('Rome');
  await page.getByRole('button', {name: 'Edit', exact: true}).click();
  await drawn(page, 'edit');
  const view = page.locator('[data-view=edit]');
  expect(await view.locator('.plot svg').count() > 0, 'no loss figure');
  expect(await view.locator('table tr').count() > 2, 'no checks');
  await drawn(page, 'edited');
  await label(page, 'Try a prompt on the edited model').fill('The landmark called Louvre is in');
  await page.locator('[data-view=edited][data-state=drawn] .list').nth(1).waitFor(kWait);
  expect(
      await page.locator('[data-view=edited] .bars').count() === 2,
      'there are not two distributions');
  await view.getByRole('button', {name: 'Save edit'}).click();
  await view.getByText('Saved in').waitFor(kWait);
  const [file] = await Promise.all([
    page.waitForEvent('download', kWait), view.getByRole('button', {name: 'Download edit'}).click()
  ]);
  expect(file.suggestedFilename() === 'edit.safetensors', file.suggestedFilename());
  await view.getByRole('button', {name: 'Discard edit'}).click();
  await view.getByText('The edit was discarded.').waitFor(kWait);
});

await check('Compare shows a second pane', async () => {
  await tab(page, 'Sites');
  await page.getByRole('button', {name: 'Compare'}).click();
  await typeFact(page, 1);
  await label(page, 'Subject', 1).fill('Big Ben');
  await drawn(page, 'predict', 1);
  await drawn(page, 'sites', 0);
  await drawn(page, 'sites', 1);
  expect(await page.locator('[data-site=resid]').count() === 2, 'there are not two maps of resid');
});

await check('the address restores the page in a new tab', async () => {
  await tab(page, 'Knockout');
  await drawn(page, 'knockout', 1);
  const copy = await page.context().newPage();
  await copy.goto(page.url());
  await copy.waitForSelector('html[data-state=ready]', kWait);
  await drawn(copy, 'knockout', 0);
  await drawn(copy, 'knockout', 1);
  expect(await label(copy, 'Subject', 0).inputValue() === 'Louvre', 'the first subject is lost');
  expect(await label(copy, 'Subject', 1).inputValue() === 'Big Ben', 'the second subject is lost');
  expect(
      await copy.locator('[data-view=knockout]')
              .first()
              .locator('.own-set .token[aria-pressed=true]')
              .count() === 3,
      'the own tokens are lost');
  await copy.close();
  await page.getByRole('button', {name: 'Compare'}).click();
  expect(await page.locator('[data-view=predict]').count() === 1, 'the second pane stays');
});

await check('light and dark', async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await tab(page, 'Knockout');
  await drawn(page, 'knockout');
  const light = await paper();
  await page.getByRole('button', {name: 'Light / dark'}).click();
  expect(await paper() !== light, 'the paper keeps its colour');
  await page.waitForFunction(
      () => document.querySelector('[data-view=knockout] .plot svg')?.outerHTML.includes('rgb(23, 23, 26)'),
      null, kWait);
  await page.getByRole('button', {name: 'Light / dark'}).click();
  expect(await paper() === light, 'light does not come back');
});

await check('a hostile subject stays text', async () => {
  await prompt(page).fill('The landmark called {} can be found in');
  await label(page, 'Subject').fill(kHostile);
  await label(page, 'Other subject').fill('<b>x</b>');
  for (const name of ['Sites', 'Paths', 'Knockout', 'Attention']) {
    await tab(page, name);
    await drawn(page, name.toLowerCase());
  }
  await tab(page, 'Edit');
  await label(page, 'New object').fill('<i>Rome</i>');
  await page.getByRole('button', {name: 'Edit', exact: true}).click();
  await drawn(page, 'edit');
  expect(
      await page.locator('body img, body b, body i, body script').count() === 0, 'markup was made');
  expect(
      await page.locator('[data-view=edit]').getByText(kHostile).count() > 0,
      'the subject is not shown');
});

await check('wrong input shows an error, and recovers', async () => {
  await tab(page, 'Sites');
  await prompt(page).fill('{} and {} can be found in');
  await label(page, 'Subject').fill('Louvre');
  await page.locator('[data-view=sites][data-state=failed] [role=alert]').waitFor(kWait);
  await typeFact(page);
  await drawn(page, 'sites');
  expect(await page.getByRole('alert').count() === 0, 'the error stays');
  await label(page, 'Other subject').fill('');
  await page.waitForSelector('[data-view=sites][data-state=idle]', kWait);
  await label(page, 'Corrupted by').selectOption('noise');
  await drawn(page, 'sites');
  await label(page, 'Corrupted by').selectOption('subject');
});

await check('a prompt that ends with white space is warned of', async () => {
  await prompt(page).fill('The landmark called Louvre can be found in ');
  await page.locator('[data-view=predict] .warning').first().waitFor(kWait);
});

await check('only the newest prompt is answered', async () => {
  await prompt(page).fill('');
  await prompt(page).pressSequentially('The capital of France is the city of', {delay: 1});
  await drawn(page, 'predict');
  const texts = await tokens(page).allTextContents();
  expect(
      texts.join('') === 'The\u00b7capital\u00b7of\u00b7France\u00b7is\u00b7the\u00b7city\u00b7of',
      `tokens: ${texts}`);
});
await page.context().close();

await check('the keyboard alone is enough', async () => {
  const keys = await open();
  const press = async (...names) => {
    for (const name of names) await keys.keyboard.press(name);
  };
  const tabTo = async condition => {
    for (let i = 0; i < 60; ++i) {
      await press('Tab');
      if (await keys.evaluate(condition)) return;
    }
    throw new Error(`Tab does not reach ${condition}`);
  };
  await drawn(keys, 'sites');
  await tabTo('document.activeElement.tagName === "TEXTAREA"');
  await press('Control+a');
  await keys.keyboard.type('The landmark called Louvre can be found in');
  await keys.waitForFunction(
      () => document.querySelectorAll('[data-view=predict] .token').length === 10 &&
          !document.querySelector('.pane.old'),
      null, kWait);
  await press(
      'Tab', 'Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Space', 'Shift+ArrowRight',
      'Shift+ArrowRight');
  expect(
      await label(keys, 'Subject').inputValue() === 'Louvre',
      `the subject is ${await label(keys, 'Subject').inputValue()}`);
  await tabTo('document.activeElement.getAttribute("list") !== null');
  await press('Control+a');
  await keys.keyboard.type('Colosseum');
  await tabTo('document.activeElement.role === "tab"');
  await press('ArrowRight');
  await drawn(keys, 'paths');
  await press('ArrowLeft');
  await drawn(keys, 'sites');
  await tabTo('document.activeElement.tagName === "svg"');
  await press('ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter');
  await drawn(keys, 'cell');
  await keys.context().close();
});

await check('nothing is wider than a page of 400 px', async () => {
  const narrow = await open({viewport: {width: 400, height: 800}, colorScheme: 'dark'});
  for (const name of ['Sites', 'Paths', 'Knockout', 'Attention', 'Edit']) {
    await tab(narrow, name);
    if (name === 'Edit') {
      await label(narrow, 'New object').fill('Rome');
      await narrow.getByRole('button', {name: 'Edit', exact: true}).click();
    }
    await drawn(narrow, name.toLowerCase());
    expect(
        await overflow(narrow) <= 0, `${name}: the page is ${await overflow(narrow)} px too wide`);
  }
  await narrow.getByRole('button', {name: 'Compare'}).click();
  await tab(narrow, 'Sites');
  await drawn(narrow, 'sites', 1);
  expect(await overflow(narrow) <= 0, 'with two panes the page is too wide');
  await narrow.context().close();
});

await check('every control has a name', async () => {
  const named = await open({hash: '#compare=1'});
  for (const name of ['Sites', 'Paths', 'Knockout', 'Attention', 'Edit']) {
    await tab(named, name);
    const without = await named.evaluate(
        () => [...document.querySelectorAll('button, input, select, textarea')]
                  .filter(
                      e => e.checkVisibility() && !e.ariaLabel &&
                          !(e.tagName === 'BUTTON' ? e.textContent.trim() : e.labels.length))
                  .map(e => e.outerHTML));
    expect(without.length === 0, `${name}: ${without}`);
  }
  await named.context().close();
});

await check('a lost server is told, and Retry helps', async () => {
  const lost = await open();
  await drawn(lost, 'sites');
  await lost.route('**/api/run', route => route.abort());
  await prompt(lost).fill('Another prompt');
  await lost.locator('[data-view=predict] [role=alert]', {hasText: 'The server does not answer'})
      .waitFor(kWait);
  await lost.unroute('**/api/run');
  await lost.locator('[data-view=predict]').getByRole('button', {name: 'Retry'}).click();
  await drawn(lost, 'predict');
  problems = [];  // the requests that were made to fail
  await lost.context().close();
});

await check('a server that is lost at the start is told, and Retry helps', async () => {
  const lost = await open();
  await lost.route('**/api/session', route => route.abort());
  await lost.reload();
  await lost.getByText('The server does not answer. It may have been stopped.').waitFor(kWait);
  await lost.unroute('**/api/session');
  await lost.getByRole('button', {name: 'Retry'}).click();
  await drawn(lost, 'sites');
  problems = [];
  await lost.context().close();
});

await check('a busy server is asked again', async () => {
  const busy = await open();
  await drawn(busy, 'sites');
  let refusals = 0;
  await busy.route('**/api/run', route => refusals++ ? route.continue() : route.fulfill({
    status: 503,
    contentType: 'application/json',
    body: JSON.stringify({message: 'The server is busy.', hint: ''}),
  }));
  await prompt(busy).fill('The landmark called Louvre is in');
  await busy.waitForFunction(
      () => document.querySelector('[data-view=predict]').dataset.state === 'drawn' &&
          document.querySelectorAll('[data-view=predict] .token').length === 8,
      null, kWait);
  problems = [];
  await busy.context().close();
});

await browser.close();
console.log(failures ? `${failures} checks failed.` : 'All checks passed.');
process.exit(failures ? 1 : 0);
