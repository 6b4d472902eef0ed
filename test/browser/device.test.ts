/** The page for the code of a device, as a person and a real Chromium meet it. */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { appOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, startServer } from '../processes/server-process.ts'
import type { App } from '../stage/app.ts'
import { askDevice, type AskedDevice, assertPoll, poll, television } from '../stage/device.ts'
import { openChromium, openPage } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { addPerson } from './web-example.ts'

describe('the page for a code in Chromium', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('lets a person let a device in with the keyboard alone, without JavaScript', async test => {
    const { app, device, page } = await openScene(test, chromium, { javaScriptEnabled: false })
    await page.goto(device.verification_uri)
    await takePictures(page, 'pawl-device-code')
    await page.getByLabel('Code on the device').fill(device.user_code.toLowerCase())
    await page.keyboard.press('Enter')
    await typeSignIn(page)
    await page.getByRole('heading', { name: 'Let Television in on another device?' }).waitFor()
    await takePictures(page, 'pawl-device-consent')
    await allow(page)
    await page.getByRole('heading', { name: 'The device is let in' }).waitFor()
    await takePictures(page, 'pawl-device-done')
    assert.equal((await poll(app, device.device_code)).status, 200)
  })

  it('takes the code out of a link, and says what is shown, asked and warned of', async test => {
    const { app, device, page } = await openScene(test, chromium)
    await page.goto(device.verification_uri_complete)
    assert.equal(await page.getByLabel('Code on the device').inputValue(), device.user_code)
    assert.match(await page.locator('body').ariaSnapshot(), /Did somebody send you this code/)
    await page.getByRole('button', { name: 'Continue' }).click()
    await typeSignIn(page)
    const heading = page.getByRole('heading', { name: 'Let Television in on another device?' })
    await heading.waitFor()
    const shown = await page.locator('body').ariaSnapshot()
    for (const words of [device.user_code, '127.0.0.1', 'Nobody has a reason to send']) {
      assert.ok(shown.includes(words), words)
    }
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.getByRole('heading', { name: 'The device stays out' }).waitFor()
    assertPoll(await poll(app, device.device_code), 'access_denied')
  })

  it('DV-03 leaves the code to the browser that had it first', async test => {
    const { device, page } = await openScene(test, chromium)
    await page.goto(device.verification_uri_complete)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const stranger = await openPage(test, chromium)
    await stranger.goto(device.verification_uri_complete)
    await stranger.getByRole('button', { name: 'Continue' }).click()
    await stranger.getByRole('alert').waitFor()
    assert.match(await stranger.getByRole('alert').innerText(), /No device waits for you under this code/)
    assert.equal(await stranger.getByLabel('Code on the device').getAttribute('aria-invalid'), 'true')
    await takePictures(stranger, 'pawl-device-unknown')
  })

  it('loads nothing, runs nothing and complains of nothing', async test => {
    const { device, page } = await openScene(test, chromium)
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.goto(device.verification_uri_complete)
    assert.deepEqual([complaints, asked], [[], [device.verification_uri_complete]])
  })
})

interface Scene {
  readonly app: App
  readonly device: AskedDevice
  readonly page: Page
}

async function openScene(test: TestContext, chromium: Browser, options: BrowserContextOptions = {}): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const office = await openOffice(test, data)
  const app = appOf(server, await office.addClient({ ...television, redirectUris: [] }))
  await addPerson(data)
  return { app, device: await askDevice(app), page: await openPage(test, chromium, options) }
}
