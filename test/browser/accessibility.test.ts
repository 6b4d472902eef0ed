/**
 * What a machine can say of WCAG 2.2 AA, of every page in every state, in a real Chromium: the rules of axe-core in light
 * and dark, no scrolling sideways at 320 pixels (§1.4.10), and a visible focus wherever the keyboard leads (§2.4.7).
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'node:test'
import type * as Axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { openSampleServer, type SampleServer } from '../../tools/sample-server.ts'
import { samplePages } from '../../tools/sample-pages.ts'
import { openChromium } from './chromium.ts'

declare const axe: typeof Axe

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const wide = { width: 1280, height: 900 }
const narrowest = { width: 320, height: 640 }
const focusableMax = 60

/** Rules that a page breaks on purpose, and why. */
const exceptions: { readonly [page: string]: readonly string[] } = {
  // Front-Channel Logout 1.0 §3: back to the application once its frames had their time. Nothing is asked here or lost.
  'signed-out-frames': ['meta-refresh'],
}

describe('the pages', () => {
  let chromium: Browser
  let samples: SampleServer
  let page: Page
  before(async () => {
    chromium = await openChromium()
    samples = await openSampleServer()
    page = await chromium.newPage({ reducedMotion: 'reduce' })
    const { origin } = new URL(samples.urlOf(''))
    // The applications of the samples are made up: nothing is there, and no page is left for it.
    await page.route(
      asked => asked.origin !== origin,
      route => route.fulfill({ status: 204 }),
    )
  })
  after(async () => {
    samples.close()
    await chromium.close()
  })

  for (const name of Object.keys(samplePages())) {
    it(`break no rule of axe-core, fit into 320 pixels and show where the keyboard is: ${name}`, async () => {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize(wide)
      await page.goto(samples.urlOf(name), { waitUntil: 'domcontentloaded' })
      const broken = exceptions[name] ?? []
      assert.deepEqual(await faultsOf(page, { type: 'tag', values: tags }, broken), [], 'light')
      await page.emulateMedia({ colorScheme: 'dark' })
      assert.deepEqual(await faultsOf(page, { type: 'rule', values: ['color-contrast'] }, broken), [], 'dark')
      await page.setViewportSize(narrowest)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(width <= narrowest.width, `${width} pixels wide`)
      const outlines = await outlinesOf(page)
      assert.deepEqual(
        outlines.filter(({ outline }) => outline !== 'solid 3px'),
        [],
      )
    })
  }
})

async function faultsOf(page: Page, runOnly: Axe.RunOnly, broken: readonly string[]): Promise<readonly string[]> {
  // By the debugging protocol, which no content security policy stops.
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(only => axe.run({ runOnly: only }), runOnly)
  return violations
    .filter(({ id }) => !broken.includes(id))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id} (${help}): ${html}`))
}

interface Outline {
  readonly element: string
  readonly outline: string
}

/** What stands round the element that has the focus from the start, and each that Tab leads to from there. */
async function outlinesOf(page: Page): Promise<readonly Outline[]> {
  const first = await outlineNow(page)
  const outlines = first === null ? [] : [first]
  for (let tab = 0; tab < focusableMax; tab++) {
    await page.keyboard.press('Tab')
    const found = await outlineNow(page)
    if (found === null) return outlines
    outlines.push(found)
  }
  throw new Error(`${focusableMax} tabs do not lead out of the page`)
}

function outlineNow(page: Page): Promise<Outline | null> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (element === null || element === document.body) return null
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    return { element: element.outerHTML, outline: `${outlineStyle} ${outlineWidth}` }
  })
}
