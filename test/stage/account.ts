/** A person on their own page: signs in to it, and presses its buttons. */

import { type Browser, type BrowserPage, stagePassword, unescapeHtml } from './browser.ts'

/** The account page, after whatever sign-in it takes. */
export async function openAccount(browser: Browser, password = stagePassword): Promise<BrowserPage> {
  const page = await browser.open('/account')
  return page.body.includes('name="password"') ? browser.signIn(page, 'ada@example.com', password) : page
}

/** Sends the form that has this button, with these fields in it. */
export async function press(
  browser: Browser,
  page: BrowserPage,
  decision: string,
  fields: { readonly [name: string]: string } = {},
): Promise<BrowserPage> {
  const form = formsOf(page).find(({ text }) => text.includes(`value="${decision}"`))
  if (form === undefined) throw new Error(`no button ${decision} on a page of status ${page.status}`)
  return browser.submit({ ...page, body: form.text }, { decision, ...fields })
}

/** What the page asks of a passkey: the options of its ceremony. */
export function passkeyOptionsOf(page: BrowserPage): { readonly challenge: string; readonly [name: string]: unknown } {
  const [, text] = /data-options="([^"]*)"/.exec(page.body) ?? []
  if (text === undefined) throw new Error('the page asks for no passkey')
  return JSON.parse(unescapeHtml(text)) as { readonly challenge: string }
}

/** The page with the form for passkeys in the place of the first one, for `browser.submit`. */
export function passkeyFormOf(page: BrowserPage): BrowserPage {
  const form = formsOf(page).find(({ text }) => text.includes('name="credential"'))
  if (form === undefined) throw new Error('the page has no form for passkeys')
  return { ...page, body: form.text }
}

function formsOf(page: BrowserPage): readonly { readonly text: string }[] {
  return [...page.body.matchAll(/<form[\s\S]*?<\/form>/g)].map(([text]) => ({ text }))
}
