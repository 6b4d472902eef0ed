/**
 * Takes a picture of every page, light and dark, narrow and wide, for people to look at:
 * `node tools/screenshots.ts DIRECTORY [PAGE]`. A complaint of the browser ends the run with 1.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { openChromium } from '../test/browser/chromium.ts'
import { openSampleServer } from './sample-server.ts'

const widths = [360, 1280]
const schemes = ['light', 'dark'] as const
const heightPixels = 900

const [directory, only] = process.argv.slice(2)
if (directory === undefined) {
  process.stderr.write('usage: node tools/screenshots.ts DIRECTORY [PAGE]\n')
  process.exitCode = 2
} else {
  process.exitCode = await takeAll(directory, only)
}

async function takeAll(into: string, name: string | undefined): Promise<number> {
  await mkdir(into, { recursive: true })
  const server = await openSampleServer()
  const browser = await openChromium()
  try {
    let complaints = 0
    for (const page of server.names.filter(each => name === undefined || each === name)) {
      complaints += await take(browser, server.urlOf(page), join(into, page))
    }
    return complaints === 0 ? 0 : 1
  } finally {
    await browser.close()
    server.close()
  }
}

async function take(browser: Browser, url: string, pathStem: string): Promise<number> {
  let complaints = 0
  for (const colorScheme of schemes) {
    for (const width of widths) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: heightPixels } })
      const tab = await context.newPage()
      // The applications of the samples are made up: nothing is there, and no page is left for it.
      const { origin } = new URL(url)
      await tab.route(
        asked => asked.origin !== origin,
        route => route.fulfill({ status: 204 }),
      )
      tab.on('console', message => {
        complaints += 1
        process.stderr.write(`${url}: ${message.text()}\n`)
      })
      await tab.goto(url, { waitUntil: 'domcontentloaded' })
      await tab.screenshot({ path: `${pathStem}-${colorScheme}-${width}.png`, fullPage: true })
      await context.close()
    }
  }
  return complaints
}
