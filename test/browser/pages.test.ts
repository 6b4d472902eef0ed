/** Pawl's pages as a person and a real Chromium meet them: keyboard, no script, forms that leave, tabs and the back button. */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { appOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from '../processes/server-process.ts'
import { type Application, openApplication } from './application.ts'
import { openChromium, openPage } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { addPerson, person } from './web-example.ts'

describe('the pages in Chromium', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('let a person sign in with the keyboard alone', async test => {
    const { page, application, authorize } = await openScene(test, chromium)
    await page.goto(authorize())
    // A person types where the cursor is; a busy browser puts it there a moment after the page is loaded.
    await page.locator('#username:focus').waitFor()
    await page.keyboard.type(person.email)
    await page.keyboard.press('Tab')
    await page.locator('#password:focus').waitFor()
    await page.keyboard.type(person.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    await tabTo(page, 'Allow')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(application.responses.length, 1)
    assert.ok(codeOf(application) !== '')
  })

  it('give every field and button a name, a role and a place in the outline', async test => {
    const { page, authorize } = await openScene(test, chromium)
    await page.goto(authorize())
    const signIn = await page.locator('body').ariaSnapshot()
    assert.match(signIn, /- main:\n\s+- heading "Sign in" \[level=1\]/)
    assert.match(signIn, /- textbox "E-mail"/)
    assert.match(signIn, /- textbox "Password"/)
    assert.match(signIn, /- button "Sign in"/)
    await typeSignIn(page, 'not the password')
    const refused = await page.locator('body').ariaSnapshot()
    assert.match(refused, /- alert: This e-mail and password do not go together/)
    assert.equal(await page.getByLabel('Password').getAttribute('aria-invalid'), 'true')
    assert.match(await page.title(), /^Problem: /)
    await takePictures(page, 'pawl-sign-in-refused')
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    const consent = await page.locator('body').ariaSnapshot()
    assert.match(consent, /- heading "Allow Web example\?" \[level=1\]/)
    assert.match(consent, /- list:\n\s+- listitem: /)
    assert.match(consent, /- button "Allow"\n\s*- button "Refuse"/)
    assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  })

  it('work without JavaScript, and a form_post waits for a click', async test => {
    const { page, application, authorize } = await openScene(test, chromium, { javaScriptEnabled: false })
    await page.goto(authorize({ response_mode: 'form_post' }))
    await typeSignIn(page)
    await allow(page)
    await page.getByRole('heading', { name: 'One moment' }).waitFor()
    await takePictures(page, 'pawl-form-post')
    assert.equal(application.responses.length, 0)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(application.responses[0]?.method, 'POST')
    assert.ok(codeOf(application) !== '')
  })

  it('CK-17 send a form_post by itself under their own policy, and tell the application no address', async test => {
    const { page, application, authorize } = await openScene(test, chromium)
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).origin))
    const server = new URL(authorize()).origin
    await page.goto(authorize({ response_mode: 'form_post' }))
    await typeSignIn(page)
    await allow(page)
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.deepEqual(
      application.responses.map(({ method, referrer }) => [method, referrer]),
      [['POST', undefined]],
    )
    assert.deepEqual(complaints, [])
    assert.deepEqual([...new Set(asked)].sort(), [server, application.origin].sort())
  })

  it('CK-01 set cookies that Chromium keeps for this host alone, from scripts and from other sites', async test => {
    const { page, authorize } = await openScene(test, chromium)
    await page.goto(authorize())
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    const cookies = await page.context().cookies()
    const names = cookies.map(({ name }) => name).sort()
    assert.deepEqual(names, ['__Host-pawl_browser', '__Host-pawl_device', '__Host-pawl_session'])
    for (const { name, secure, httpOnly, sameSite, path, domain } of cookies) {
      const flags = { secure, httpOnly, sameSite, path, domain }
      const wanted = { secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost' }
      assert.deepEqual(flags, wanted, name)
    }
    assert.equal(await page.evaluate(() => document.cookie), '')
  })

  it('let two tabs sign in beside each other', async test => {
    const { page, application, authorize } = await openScene(test, chromium)
    const other = await page.context().newPage()
    await page.goto(authorize({ state: 'one' }))
    await other.goto(authorize({ state: 'two' }))
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    await typeSignIn(other)
    await other.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    await allow(page)
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    await allow(other)
    await other.getByRole('heading', { name: 'Arrived' }).waitFor()
    const arrived = application.responses.map(({ parameters }) => parameters)
    assert.deepEqual(
      arrived.map(parameters => parameters.get('state')),
      ['one', 'two'],
    )
    assert.equal(new Set(arrived.map(parameters => parameters.get('code'))).size, 2)
  })

  it('CK-10 give the same code again to the back button while it waits, and make no second grant', async test => {
    const { page, application, authorize, data } = await openScene(test, chromium)
    await page.goto(authorize())
    await typeSignIn(page)
    await allow(page)
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    const codes = application.responses.map(({ parameters }) => parameters.get('code'))
    assert.equal(codes.length, 2)
    assert.equal(new Set(codes).size, 1)
    assert.equal((await familiesOf(data)).length, 1)
  })

  it('CK-10 answer the back button after the redemption with a page that says so, and harm nothing', async test => {
    const { page, application, authorize, data, redeem } = await openScene(test, chromium)
    await page.goto(authorize())
    await typeSignIn(page)
    await allow(page)
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(await redeem(codeOf(application)), 200)
    await page.goBack()
    await page.getByRole('heading', { name: 'This step is done' }).waitFor()
    await takePictures(page, 'pawl-already-used')
    assert.equal(application.responses.length, 1)
    const families = await familiesOf(data)
    assert.deepEqual(
      families.map(family => family['status']),
      ['living'],
    )
    await page.goto(authorize({ state: 'a new start' }))
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
  })

  it('say where the person is on the pages that stand alone', async test => {
    const { page, server, authorize } = await openScene(test, chromium)
    await page.goto(server.issuer)
    await page.getByRole('heading', { name: 'Nothing to do here' }).waitFor()
    await takePictures(page, 'pawl-home')
    await page.goto(authorize({ redirect_uri: 'https://attacker.example/cb' }))
    await page.getByRole('heading', { name: 'That did not work' }).waitFor()
    await takePictures(page, 'pawl-error')
    await page.goto(authorize())
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
    await page.goto(`${server.issuer}/`)
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await takePictures(page, 'pawl-home-signed-in')
    await page.goto(`${server.issuer}/logout`)
    await page.getByRole('heading', { name: 'Sign out?' }).waitFor()
    await takePictures(page, 'pawl-sign-out')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await takePictures(page, 'pawl-signed-out')
    assert.equal(
      (await page.context().cookies()).some(({ name }) => name === '__Host-pawl_session'),
      false,
    )
  })
})

describe('a hostile site in Chromium', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('CK-03 cannot sign the victim in as somebody else, neither from another site nor from another port', async test => {
    const { page, server, authorize } = await openScene(test, chromium)
    const theirs = await openPage(test, chromium)
    await theirs.goto(authorize())
    const stateToken = await theirs.locator('input[name=state_token]').first().inputValue()
    for (const host of ['127.0.0.1', 'localhost'] as const) {
      const hostile = await openApplication(test, host)
      hostile.show(postingPage(`${server.issuer}/sign-in`, stateToken))
      // A victim who has been here before, so that the cookie of the browser goes along where it may.
      await page.goto(authorize())
      await page.goto(hostile.origin)
      const answer = page.waitForResponse(`${server.issuer}/sign-in`)
      await page.getByRole('button').click()
      assert.equal((await answer).status(), 403, host)
      await page.getByText('This form was sent from another site.').waitFor()
      const cookies = await page.context().cookies(server.issuer)
      assert.equal(
        cookies.some(({ name }) => name === '__Host-pawl_session'),
        false,
      )
    }
  })

  it('CK-04 cannot show any page in a frame', async test => {
    const { page, server, authorize } = await openScene(test, chromium)
    const hostile = await openApplication(test, '127.0.0.1')
    const addresses = {
      'the sign-in page': authorize(),
      'the home page': `${server.issuer}/`,
      'an error page': authorize({ redirect_uri: 'https://attacker.example/cb' }),
      'the page to sign out on': `${server.issuer}/logout`,
      'a path that is not there': `${server.issuer}/nothing`,
    }
    for (const [name, address] of Object.entries(addresses)) {
      hostile.show(`<!doctype html><iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`)
      await page.goto(hostile.origin)
      const framed = page.frames().find(frame => frame !== page.mainFrame())
      assert.ok(framed !== undefined, name)
      await framed.waitForURL('chrome-error://chromewebdata/')
      assert.doesNotMatch(await framed.content(), /Pawl|not_found/, name)
    }
  })
})

const verifier = 'a verifier that everybody may know'.replaceAll(' ', '-').padEnd(43, '~')

interface Scene {
  readonly data: string
  readonly server: ServerProcess
  readonly application: Application
  readonly page: Page
  /** Redeems a code as the application would; answers the status. */
  readonly redeem: (code: string) => Promise<number>
  readonly authorize: (fields?: { readonly [name: string]: string }) => string
}

async function openScene(test: TestContext, chromium: Browser, options: BrowserContextOptions = {}): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const application = await openApplication(test, '127.0.0.1')
  const office = await openOffice(test, data)
  const { redirectUri } = application
  const registered = await office.addClient({
    id: 'demo-web',
    kind: 'web',
    name: 'Web example',
    redirectUris: [redirectUri],
  })
  await addPerson(data)
  const page = await openPage(test, chromium, options)
  const standard = {
    response_type: 'code',
    client_id: 'demo-web',
    redirect_uri: redirectUri,
    scope: 'openid email offline_access',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
  }
  const authorize = (fields = {}): string =>
    `${server.issuer}/authorize?${new URLSearchParams({ ...standard, ...fields }).toString()}`
  const redeem = async (code: string): Promise<number> => {
    const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
    return (await appOf(server, registered).post('/token', fields)).status
  }
  return { data, server, application, page, authorize, redeem }
}

async function familiesOf(data: string): Promise<readonly { readonly [name: string]: unknown }[]> {
  const listed = await pawlJson(['families', 'list', '--data', data])
  assert.ok(Array.isArray(listed))
  return listed as readonly { readonly [name: string]: unknown }[]
}

const tabsMax = 20

/** Tab by tab, as somebody does who has no mouse. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let tab = 0; tab < tabsMax; tab++) {
    await page.keyboard.press('Tab')
    if ((await page.locator(':focus').textContent()) === name) return
  }
  throw new Error(`${tabsMax} tabs do not lead to ${name}`)
}

function codeOf(application: Application): string {
  return application.responses[0]?.parameters.get('code') ?? ''
}

function postingPage(action: string, stateToken: string): string {
  const fields = { state_token: stateToken, username: person.email, password: person.password, decision: 'sign_in' }
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
  return `<!doctype html><form method="post" action="${action}">${inputs.join('')}<button>Win a prize</button></form>`
}
