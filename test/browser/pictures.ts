/** Pictures of the pages a test meets, for people to look at: set `PAWL_SCREENSHOTS` to a directory. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

const widths = [360, 1280]
const heightPixels = 900

/** Nothing without the setting. Light and dark, narrow and wide. */
export async function takePictures(page: Page, name: string): Promise<void> {
  const directory = process.env['PAWL_SCREENSHOTS']
  if (directory === undefined) return
  await mkdir(directory, { recursive: true })
  const before = page.viewportSize()
  for (const width of widths) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: heightPixels })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.screenshot({ path: join(directory, `${name}-${colorScheme}-${width}.png`), fullPage: true })
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
  if (before !== null) await page.setViewportSize(before)
}
