/**
 * Takes a picture of every page, light and dark, narrow and wide, for people to look at:
 * `node tools/screenshots.ts DIRECTORY [PAGE]`. The pages are served on loopback with their real headers, so a picture
 * also shows what the content security policy lets through; a complaint of the browser ends the run with 1.
 */

import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { samplePages } from './sample-pages.ts'

const widths = [390, 1280]
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
  const pages = samplePages()
  const server = createServer((request, response) => {
    const page = pages[(request.url ?? '').slice(1)]
    if (page === undefined) response.writeHead(404).end()
    else response.writeHead(200, page.headers).end(page.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
  try {
    let complaints = 0
    for (const page of Object.keys(pages).filter(each => name === undefined || each === name)) {
      complaints += await take(browser, `${origin}/${page}`, join(into, page))
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
      // The form that sends itself would leave the page before the picture; its hash is tested elsewhere.
      const context = await browser.newContext({
        colorScheme,
        viewport: { width, height: heightPixels },
        javaScriptEnabled: false,
      })
      const tab = await context.newPage()
      tab.on('console', message => {
        complaints += 1
        process.stderr.write(`${url}: ${message.text()}\n`)
      })
      await tab.goto(url)
      await tab.screenshot({ path: `${pathStem}-${colorScheme}-${width}.png`, fullPage: true })
      await context.close()
    }
  }
  return complaints
}
