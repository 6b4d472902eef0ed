/** The sign-in page, posted again and again by whoever has opened it once. */

import { type Browser, formOf, stagePassword } from './browser.ts'
import type { Scene } from './scene.ts'

export interface PasswordPage {
  /** Tries a password from an address, with the cookies of whoever opened the page. Redirects are not followed. */
  readonly attempt: (attempt: Attempt) => Promise<Response>
}

export interface Attempt {
  readonly username?: string
  readonly password?: string
  readonly address?: string
  readonly headers?: { readonly [name: string]: string }
}

export async function openPasswordPage(scene: Scene, browser: Browser): Promise<PasswordPage> {
  const page = await browser.open(scene.app.authorizePath({ prompt: 'login' }).path)
  return {
    attempt: ({ username = 'ada@example.com', password = 'wrong password', address = '192.0.2.66', headers = {} }) => {
      const { action, body } = formOf(page, { username, password })
      const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, ...headers },
        body,
      }
      return scene.stage.send(action, init, address)
    },
  }
}

/** Whether a post of the right password signs in. */
export async function signsIn(page: PasswordPage, attempt: Attempt = {}): Promise<boolean> {
  const response = await page.attempt({ password: stagePassword, ...attempt })
  return response.headers.getSetCookie().some(cookie => cookie.startsWith('__Host-pawl_session='))
}
