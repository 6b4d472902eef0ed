/**
 * The single-page example in a real Chromium: tabs that want the same thing at once, answers that nobody reads, a network
 * that goes away, and what of all that a thief of the browser's storage would find. The repeat window of the server is 0.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { pawlJson } from '../processes/server-process.ts'
import { openChromium } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { openSpaExample, press, seesProfile, signIn, type SpaExample } from './spa-example.ts'
import { person } from './web-example.ts'

const tabsMax = 20

describe('a single-page application that holds its grant with @pawl/client', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('signs in, reads from the API, renews, and stays signed in when it is loaded again', async test => {
    const example = await openSpaExample(test, chromium)
    const { page } = example
    await takePictures(page, 'spa-signed-out')
    await signIn(page)
    assert.equal(new URL(page.url()).search, '', 'the code is not left in the address')
    await press(page, 'Read my profile')
    await seesProfile(page)
    await page.getByText(person.email).waitFor()
    await press(page, 'Refresh now')
    await seesGeneration(page, 2)
    await takePictures(page, 'spa-signed-in')
    await page.reload()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await press(page, 'Refresh now')
    await seesGeneration(page, 3)
    const requests = example.tokenRequests()
    assert.deepEqual(
      requests.map(({ grantType }) => grantType),
      ['authorization_code', 'refresh_token', 'refresh_token'],
    )
    for (const { retryKey } of requests) assert.match(retryKey ?? '', /^"rk1\.[\w-]{43}"$/)
  })

  it('makes one token request when twenty tabs want a token at once', async test => {
    const example = await openSpaExample(test, chromium)
    const { page, context, origin } = example
    await example.setAccessSeconds(1)
    await signIn(page)
    await example.setAccessSeconds(600)
    const tabs = [page]
    while (tabs.length < tabsMax) {
      const tab = await context.newPage()
      await tab.goto(origin)
      await tab.getByRole('heading', { name: 'You are signed in' }).waitFor()
      tabs.push(tab)
    }
    await Promise.all(tabs.map(tab => press(tab, 'Read my profile')))
    await Promise.all(tabs.map(seesProfile))
    assert.deepEqual(
      example.tokenRequests().map(({ grantType }) => grantType),
      ['authorization_code', 'refresh_token'],
    )
    await Promise.all(tabs.map(tab => seesGeneration(tab, 2)))
    assert.deepEqual(await statusesOf(example), ['living'])
  })

  it('loses nothing when a tab is closed while its answer is on the way', async test => {
    const example = await openSpaExample(test, chromium)
    const { page, context, origin } = example
    await signIn(page)
    const closed = await context.newPage()
    await closed.goto(origin)
    const lost = Promise.withResolvers<string>()
    await closed.route('**/token', async route => {
      // The server answers, and the tab never hears of it.
      const answer = (await (await route.fetch()).json()) as { readonly refresh_token: string }
      lost.resolve(answer.refresh_token)
    })
    await press(closed, 'Refresh now')
    const token = await lost.promise
    await closed.close()
    await press(page, 'Refresh now')
    await seesGeneration(page, 2)
    const [, first, second] = example.tokenRequests()
    assert.deepEqual(second, first, 'the same token with the same retry key')
    await press(page, 'Refresh now')
    await seesGeneration(page, 3)
    assert.equal(example.tokenRequests()[3]?.refreshToken, token, 'the successor that the closed tab was given')
    assert.deepEqual(await statusesOf(example), ['living'])
  })

  it('stays signed in without a network, and goes on when it is back', async test => {
    const example = await openSpaExample(test, chromium)
    const { page, context } = example
    await signIn(page)
    await context.setOffline(true)
    await press(page, 'Refresh now')
    await page.getByText('You are still signed in; try again in a moment.').waitFor()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await context.setOffline(false)
    await untilRefreshed(page)
    assert.deepEqual(await statusesOf(example), ['living'])
  })

  it('signs out in every tab, and at the server', async test => {
    const example = await openSpaExample(test, chromium)
    const { page, context, origin } = example
    await signIn(page)
    const others = [await context.newPage(), await context.newPage()]
    for (const other of others) {
      await other.goto(origin)
      await other.getByRole('heading', { name: 'You are signed in' }).waitFor()
    }
    await press(page, 'Sign out')
    for (const tab of [page, ...others]) await tab.getByRole('heading', { name: 'You are signed out' }).waitFor()
    assert.deepEqual(await statusesOf(example), ['ended'])
    assert.deepEqual(await keptBy(page), { texts: [], isKeyReadable: [] })
    await page.reload()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  })

  it('keeps no token where a reader of its storage finds it, and no key that can be read', async test => {
    const example = await openSpaExample(test, chromium)
    const { page, context, origin } = example
    const tokens: unknown[] = []
    await page.route('**/token', async route => {
      const response = await route.fetch()
      const answer = (await response.json()) as { readonly [name: string]: unknown }
      tokens.push(answer['access_token'], answer['refresh_token'])
      await route.fulfill({ response })
    })
    await signIn(page)
    await press(page, 'Refresh now')
    await seesGeneration(page, 2)
    assert.equal(tokens.length, 4)
    const { texts, isKeyReadable } = await keptBy(page)
    assert.equal(texts.length, 1)
    assert.match(texts[0] ?? '', /^pc1\.[\w-]{8}\.[\w-]{16}\.[\w-]+$/)
    assert.deepEqual(isKeyReadable, [false])
    const state = JSON.stringify([texts, await context.storageState({ indexedDB: false }), await storagesOf(page)])
    for (const token of tokens) {
      assert.ok(typeof token === 'string' && token.length >= 40)
      assert.ok(!state.includes(token.slice(0, 40)), 'a token lies in the open')
    }
    const policy = (await page.request.get(origin)).headers()['content-security-policy'] ?? ''
    assert.match(policy, /^default-src 'none'; script-src 'self';.*require-trusted-types-for 'script'/)
    assert.doesNotMatch(policy, /unsafe|\*|data:/)
  })
})

async function seesGeneration(page: Page, generation: number): Promise<void> {
  await page.locator('#generation').getByText(String(generation), { exact: true }).waitFor()
}

/** While the cooldown of the failure lasts the holder leaves the server alone; pressed until it does not. */
async function untilRefreshed(page: Page): Promise<void> {
  do {
    await press(page, 'Refresh now')
    await page.locator('#refresh:enabled').waitFor()
  } while (await page.locator('#problem').isVisible())
  await seesGeneration(page, 2)
}

async function statusesOf({ data }: SpaExample): Promise<readonly string[]> {
  const families = (await pawlJson(['families', 'list', '--data', data])) as readonly { readonly status: string }[]
  return families.map(({ status }) => status)
}

interface Kept {
  readonly texts: readonly string[]
  /** Of every private key in the database, whether its bytes can be had. */
  readonly isKeyReadable: readonly boolean[]
}

/** What is kept of grants in the page's database, as any script of the page can read it. */
function keptBy(page: Page): Promise<Kept> {
  return page.evaluate(async () => {
    const answered = <Value>(request: IDBRequest<Value>) =>
      new Promise<Value>((resolve, reject) => {
        request.addEventListener('success', () => resolve(request.result))
        request.addEventListener('error', () => reject(new Error(request.error?.message)))
      })
    const database = await answered(indexedDB.open('pawl-custody'))
    const records = (await answered(database.transaction('grants').objectStore('grants').getAll())) as readonly {
      readonly sealed: string
      readonly key?: CryptoKeyPair
    }[]
    database.close()
    const isReadable = ({ privateKey }: CryptoKeyPair) =>
      crypto.subtle.exportKey('jwk', privateKey).then(
        () => true,
        () => privateKey.extractable,
      )
    const keys = records.flatMap(({ key }) => (key === undefined ? [] : [key]))
    return { texts: records.map(({ sealed }) => sealed), isKeyReadable: await Promise.all(keys.map(isReadable)) }
  })
}

function storagesOf(page: Page): Promise<unknown> {
  return page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML])
}
