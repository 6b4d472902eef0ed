/**
 * A single-page application that keeps its tokens in memory and renews them in a frame (`prompt=none`), with
 * `oidc-client-ts` as npm brings it, in a real Chromium. Everything speaks https under names of its own, because browsers
 * tell sites by scheme and registrable domain: `app.pawl.test` is the same site as the server at `id.pawl.test`, and
 * `app.elsewhere.test` is another one. The windows of these tests are private ones, in which Chromium blocks the cookies of
 * third parties.
 *
 * It is the pattern of `auth0-spa-js`. That library itself cannot be used: it asks for tokens at `/oauth/token` and renews by
 * `response_mode=web_message`, whatever the metadata say.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { selfSigned } from '../network/client-certificates.ts'
import { dataDirectory, pawlJson } from '../processes/server-process.ts'
import { openChromium, openPage } from './chromium.ts'
import { startServerElsewhere } from './server-elsewhere.ts'
import { typeSignIn } from './sign-in.ts'
import { openSinglePage, press, sees, type SinglePage, watchTokens } from './single-page.ts'
import { addPerson } from './web-example.ts'

const serverHost = 'id.pawl.test'
const sameSite = 'app.pawl.test'
const otherSite = 'app.elsewhere.test'

describe('a single-page application that renews in a frame', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])
  })
  after(() => chromium.close())

  it('on the same site finds its person again after a reload, and renews, without any page of ours', async test => {
    const { page, application } = await openScene(test, chromium, sameSite)
    const tokens = watchTokens(page)
    await signIn(page, application)
    await page.reload()
    await sees(page, 'Signed in as')
    await press(page, 'Renew')
    await sees(page, 'Renewed 1 times')
    const answers = await tokens()
    assert.deepEqual(
      answers.map(({ status, refresh_token: token }) => [status, token]),
      Array(3).fill([200, undefined]),
    )
    assert.equal(new Set(answers.map(answer => answer['access_token'])).size, 3)
    await press(page, 'Sign out')
    await sees(page, 'Nobody is signed in')
    await page.reload()
    await sees(page, 'Nobody is signed in')
  })

  it('on the same site does so where third-party cookies are blocked, because ours is none there', async test => {
    const { page, application } = await openScene(test, chromium, sameSite)
    const elsewhere = application.origin.replace(sameSite, otherSite)
    await page.goto(elsewhere)
    assert.equal(await sendsCookieTo(page, elsewhere), true, 'its own')
    await page.goto(application.origin)
    assert.equal(await sendsCookieTo(page, elsewhere), false, 'that of another site')
    await signIn(page, application)
    await page.reload()
    await sees(page, 'Signed in as')
  })

  it('on another site is told login_required, and signs in with the whole window without a question', async test => {
    const { page, application } = await openScene(test, chromium, otherSite)
    await signIn(page, application)
    await press(page, 'Renew')
    await page.getByText('login_required').waitFor()
    await sees(page, 'Signed in as')
    await page.reload()
    await sees(page, 'Nobody is signed in')
    await press(page, 'Sign in')
    await sees(page, 'Signed in as')
  })
})

interface Scene {
  readonly application: SinglePage
  readonly page: Page
}

async function openScene(test: TestContext, chromium: Browser, host: string): Promise<Scene> {
  const data = await dataDirectory(test)
  const names = [serverHost, sameSite, otherSite].map(value => ({ type: 'dns' as const, value }))
  const certificate = await selfSigned({ subject: `CN=${serverHost}`, names })
  const application = await openSinglePage(test, { host, certificate })
  await pawlJson([...application.registration('page'), '--first-party', '--data', data])
  await addPerson(data)
  const issuer = await startServerElsewhere(test, { host: serverHost, data, certificate })
  const scope = 'openid email'
  application.configure({ authority: issuer, clientId: 'page', scope, keeps: 'memory', provesKey: false })
  return { application, page: await openPage(test, chromium, { ignoreHTTPSErrors: true }) }
}

async function signIn(page: Page, application: SinglePage): Promise<void> {
  await page.goto(application.origin)
  await sees(page, 'Nobody is signed in')
  await press(page, 'Sign in')
  await typeSignIn(page)
  await sees(page, 'Signed in as')
}

/** Whether a cookie that may be sent from everywhere goes along with a request from this page. */
async function sendsCookieTo(page: Page, origin: string): Promise<boolean> {
  await page.context().addCookies([{ name: 'probe', value: '1', url: origin, sameSite: 'None', secure: true }])
  const asked = page.waitForRequest(`${origin}/probe`)
  await page.evaluate(async to => {
    await fetch(to, { mode: 'no-cors', credentials: 'include' })
  }, `${origin}/probe`)
  return (await (await asked).headerValue('cookie')) === 'probe=1'
}
