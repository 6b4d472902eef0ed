/** Passkeys in a real Chromium, with an authenticator that its debugging protocol plays (WebAuthn §11). */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { openOffice } from '../processes/registered.ts'
import { dataDirectory, startServer } from '../processes/server-process.ts'
import { type Application, openApplication } from './application.ts'
import { openChromium, openPage } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { typeSignIn } from './sign-in.ts'
import { addPerson } from './web-example.ts'

const verifier = 'v'.repeat(43)

describe('a passkey in Chromium', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('is made on the account page, and signs in without name and password', async test => {
    const scene = await openScene(test, chromium)
    const { page, issuer, application, authorize } = scene
    await makePasskey(scene)
    await takePictures(page, 'pawl-account')
    await page.context().clearCookies()
    await touch(scene, false)
    await page.goto(authorize())
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    await takePictures(page, 'pawl-sign-in-passkey')
    await touch(scene, true)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(application.responses.length, 1)
    await page.goto(`${issuer}/account`)
    await page.getByText('with a passkey', { exact: false }).first().waitFor()
  })

  it('is offered in the field for the name, where the browser does that', async test => {
    const scene = await openScene(test, chromium)
    const { page, application, authorize } = scene
    await makePasskey(scene)
    await page.context().clearCookies()
    // This authenticator agrees to whatever it is offered, so the offer alone signs in.
    await page.goto(authorize())
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(application.responses.length, 1)
  })

  it('without user verification is made and taken nowhere', async test => {
    const scene = await openScene(test, chromium, { isUserVerified: false })
    const { page } = scene
    await signInToAccount(scene)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.locator('#passkey-problem').waitFor()
    assert.equal(await page.getByRole('button', { name: /^Remove the passkey/ }).count(), 0)
  })

  it('that was removed signs nobody in any more', async test => {
    const scene = await openScene(test, chromium)
    const { page, application, authorize } = scene
    await makePasskey(scene)
    await page.getByRole('button', { name: 'Remove the passkey My laptop' }).click()
    await page.getByText('The passkey is removed here.', { exact: false }).waitFor()
    await page.context().clearCookies()
    await touch(scene, false)
    await page.goto(authorize())
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    await touch(scene, true)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByText('This passkey did not sign you in.', { exact: false }).waitFor()
    assert.equal(application.responses.length, 0)
  })

  it('raises a session that was opened with a password', async test => {
    const scene = await openScene(test, chromium)
    const { page, application, authorize } = scene
    await makePasskey(scene)
    await page.context().clearCookies()
    await touch(scene, false)
    await page.goto(authorize())
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    await touch(scene, true)
    await page.goto(authorize({ acr_values: 'phr' }))
    await page.getByRole('heading', { name: 'Show that it is you' }).waitFor()
    await takePictures(page, 'pawl-second-factor-passkey')
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.equal(application.responses.length, 2)
  })
})

interface Scene {
  readonly page: Page
  readonly issuer: string
  readonly application: Application
  readonly authenticator: { readonly session: CDPSession; readonly id: string }
  readonly authorize: (fields?: { readonly [name: string]: string }) => string
}

async function openScene(test: TestContext, chromium: Browser, { isUserVerified = true } = {}): Promise<Scene> {
  const data = await dataDirectory(test)
  const { issuer } = await startServer(test, { data })
  const application = await openApplication(test, '127.0.0.1')
  const office = await openOffice(test, data)
  const { redirectUri } = application
  await office.addClient({ id: 'demo-web', kind: 'web', redirectUris: [redirectUri], firstParty: true })
  await addPerson(data)
  const page = await openPage(test, chromium)
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  })
  const standard = {
    response_type: 'code',
    client_id: 'demo-web',
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
  }
  const authorize = (fields = {}): string =>
    `${issuer}/authorize?${new URLSearchParams({ ...standard, ...fields }).toString()}`
  return { page, issuer, application, authenticator: { session, id: authenticatorId }, authorize }
}

/** Whether somebody touches the authenticator whenever it asks. */
async function touch({ authenticator }: Scene, enabled: boolean): Promise<void> {
  const { session, id } = authenticator
  await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: id, enabled })
}

async function signInToAccount({ page, issuer }: Scene): Promise<void> {
  await page.goto(`${issuer}/account`)
  await typeSignIn(page)
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
}

async function makePasskey(scene: Scene): Promise<void> {
  const { page } = scene
  await signInToAccount(scene)
  await page.getByLabel('Name of this device').fill('My laptop')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('The passkey is added.').waitFor()
  await page.getByText('My laptop').first().waitFor()
}
