/** Tabs of one origin with a store on IndexedDB in each, and these stores as if they were here. */

import type { Lifetime } from '../stage/lifetime.ts'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { CustodyStore } from '../../packages/client/src/custody/custody-store.ts'
import { machineClock } from '../../packages/client/src/holder/clock.ts'
import type { CustodyGround, CustodyView } from '../../packages/client/src/testing/custody-scene.ts'
import { openApplication } from './application.ts'
import { bundleForBrowser } from './bundle.ts'
import { openPage } from './chromium.ts'
import type { CustodyCalls } from './custody-page.ts'

/** In the tab. */
declare const custody: CustodyCalls

export interface Tabs {
  readonly origin: string
  readonly context: BrowserContext
  readonly open: () => Promise<Page>
}

const program = fileURLToPath(new URL('custody-page.ts', import.meta.url))

export async function openTabs(lifetime: Lifetime, browser: Browser): Promise<Tabs> {
  const application = await openApplication(lifetime, 'localhost')
  const { code } = await bundleForBrowser(program)
  const script = code.replaceAll('</script', String.raw`<\/script`)
  application.show(`<!doctype html><title>Custody</title><script type="module">${script}</script>`)
  const context = (await openPage(lifetime, browser)).context()
  const open = async () => {
    const page = await context.newPage()
    await page.goto(application.origin)
    return page
  }
  return { origin: application.origin, context, open }
}

/** A ground of which each view is a tab; a tab is used again when its view is closed. */
export function groundOfTabs(tabs: Tabs, database: string): CustodyGround {
  const all: Page[] = []
  const free: Page[] = []
  let passedSeconds = 0
  const openedAt = async (seconds: number) => {
    const page = await tabs.open()
    await page.evaluate(passed => custody.pass(passed), seconds)
    return page
  }
  return {
    async open() {
      const page = free.pop() ?? (await openedAt(passedSeconds))
      if (!all.includes(page)) all.push(page)
      const { store, close } = await storeIn(page, database)
      return {
        store,
        async close() {
          await close()
          free.push(page)
        },
      }
    },
    async passSeconds(seconds) {
      passedSeconds += seconds
      await Promise.all(all.map(page => page.evaluate(passed => custody.pass(passed), seconds)))
    },
    nowMs: () => machineClock.nowMs() + passedSeconds * 1000,
  }
}

/** A new store in a tab. Keys stay in their tab, so it keeps none; what it tells is not told here. */
export async function storeIn(page: Page, database: string): Promise<CustodyView> {
  const at = await page.evaluate(name => custody.open(name), database)
  const store: CustodyStore = {
    keepsKeys: false,
    load: name => page.evaluate(([of, wanted]) => custody.load(of, wanted), [at, name] as const),
    save: (name, record, ifVersion) =>
      page.evaluate(([of, ...rest]) => custody.save(of, ...rest), [at, name, record, ifVersion] as const),
    remove: (name, ifVersion) =>
      page.evaluate(([of, ...rest]) => custody.remove(of, ...rest), [at, name, ifVersion] as const),
    async lease(name, seconds) {
      const taken = await page.evaluate(([of, ...rest]) => custody.lease(of, ...rest), [at, name, seconds] as const)
      return taken === null ? null : { release: () => page.evaluate(lease => custody.release(lease), taken) }
    },
  }
  return { store, close: () => page.evaluate(of => custody.close(of), at) }
}
