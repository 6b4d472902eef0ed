/**
 * The silent renewal of `@pawl/client` in a real Chromium, in whose private windows the cookies of third parties are
 * blocked. Everything speaks https under names of its own, because browsers tell sites by scheme and registrable domain.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import type { SilentWishes } from '../../packages/client/src/sign-in/silent.ts'
import { selfSigned } from '../network/client-certificates.ts'
import { dataDirectory, pawlJson } from '../processes/server-process.ts'
import { bundleForBrowser } from './bundle.ts'
import { openChromium, openPage } from './chromium.ts'
import { startServerElsewhere } from './server-elsewhere.ts'
import { typeSignIn } from './sign-in.ts'
import type { SilentCalls, Told } from './silent-page.ts'
import { openSinglePage } from './single-page.ts'
import { addPerson } from './web-example.ts'

/** In the page. */
declare const signIn: SilentCalls

const serverHost = 'id.pawl.test'
const sameSite = 'app.pawl.test'
const otherSite = 'app.elsewhere.test'
const program = fileURLToPath(new URL('silent-page.ts', import.meta.url))

describe('a silent sign-in', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])
  })
  after(() => chromium.close())

  it('brings the same person a new token for a key that never leaves the browser, and no refresh token', async test => {
    const scene = await openScene(test, chromium, sameSite)
    assert.deepEqual(await scene.silently(), { kind: 'interaction_needed', code: 'login_required' })
    const first = await scene.signIn()
    const renewed = await scene.silently({ expectedSubject: first.subject ?? '' })
    assert.deepEqual(
      { ...renewed, accessToken: '' },
      {
        kind: 'signed_in',
        subject: first.subject,
        accessToken: '',
        type: 'dpop',
        hasRefreshToken: false,
        isKeyExtractable: false,
      },
    )
    assert.notEqual(renewed.accessToken, first.accessToken)
    assert.equal(await scene.page.locator('iframe').count(), 0)
  })

  it('never takes another person for the first one', async test => {
    const scene = await openScene(test, chromium, sameSite)
    await scene.signIn()
    const { kind, code } = await scene.silently({ expectedSubject: 'somebody-else' })
    assert.equal(kind, 'failed')
    assert.match(code ?? '', /^SignInFailed: somebody else signed in/)
  })

  it('on another site is told that the whole window is needed', async test => {
    const scene = await openScene(test, chromium, otherSite)
    await scene.signIn()
    assert.deepEqual(await scene.silently(), { kind: 'interaction_needed', code: 'login_required' })
  })

  it('gives up in time where the server does not answer, or shows a page of its own', async test => {
    const scene = await openScene(test, chromium, sameSite)
    await scene.signIn()
    await scene.page.route('**/authorize?*', route => route.abort())
    assert.deepEqual(await scene.silently({ waitSeconds: 0.2 }), { kind: 'no_answer' })
    await scene.page.unroute('**/authorize?*')
    // Whatever the server shows in the frame is its own page, and stays that: nothing of it is read.
    await scene.page.route('**/authorize?*', route =>
      route.fulfill({ body: '<p>code=made-up', contentType: 'text/html' }),
    )
    assert.deepEqual(await scene.silently({ waitSeconds: 1 }), { kind: 'no_answer' })
    await scene.page.unroute('**/authorize?*')
    assert.equal((await scene.silently()).kind, 'signed_in')
    assert.equal(await scene.page.locator('iframe').count(), 0)
  })

  it('asks only for answers at its own origin', async test => {
    const scene = await openScene(test, chromium, sameSite)
    const { code } = await scene.silently({ redirectUri: 'https://app.elsewhere.test/silent' })
    assert.match(code ?? '', /^TypeError: a silent sign-in comes back to the origin/)
  })
})

interface Scene {
  readonly page: Page
  /** With the whole window, as far as the tokens. */
  readonly signIn: () => Promise<Told>
  readonly silently: (wishes?: Partial<SilentWishes>) => Promise<Told>
}

async function openScene(test: TestContext, chromium: Browser, host: string): Promise<Scene> {
  const data = await dataDirectory(test)
  const names = [serverHost, sameSite, otherSite].map(value => ({ type: 'dns' as const, value }))
  const certificate = await selfSigned({ subject: `CN=${serverHost}`, names })
  const script = (await bundleForBrowser(program)).code.replaceAll('</script', String.raw`<\/script`)
  const html = `<!doctype html><title>Page</title><h1>Page</h1><script type="module">${script}</script>`
  const application = await openSinglePage(test, { host, certificate, page: html })
  const redirects = ['--redirect', `${application.origin}/silent`]
  await pawlJson([...application.registration('page'), ...redirects, '--first-party', '--data', data])
  await addPerson(data)
  const issuer = await startServerElsewhere(test, { host: serverHost, data, certificate })
  const page = await openPage(test, chromium, { ignoreHTTPSErrors: true })
  await page.goto(application.origin)
  return {
    page,
    silently: (wishes = {}) => page.evaluate(([at, wanted]) => signIn.silently(at, wanted), [issuer, wishes] as const),
    signIn: async () => {
      await page.evaluate(at => signIn.start(at), issuer)
      await typeSignIn(page)
      await page.waitForURL(`${application.origin}/callback?*`)
      return page.evaluate(at => signIn.finish(at), issuer)
    },
  }
}
