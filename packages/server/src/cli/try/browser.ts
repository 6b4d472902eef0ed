/**
 * As much of a browser as a sign-in needs: it keeps cookies, follows redirects within the server, reads the first form of
 * a page and posts it. It stops where the server sends the person back to the application.
 */

import { type Answered, type Asked, exchange, headerOf } from './exchange.ts'

export const redirectsMax = 10

export interface Form {
  readonly action: string
  /** Hidden inputs and their values. */
  readonly fields: ReadonlyMap<string, string>
  /** Every field and button name of the form. */
  readonly names: ReadonlySet<string>
}

/** Where the browser is: on a page of the server, or on its way back to the application. */
export type Place =
  | {
      readonly kind: 'page'
      readonly url: string
      readonly status: number
      readonly title: string
      readonly form: Form | null
    }
  | { readonly kind: 'left'; readonly url: string }

export interface Browser {
  readonly open: (url: string) => Promise<Place>
  /** Posts the form of the page with these fields beside its hidden ones. */
  readonly submit: (place: Place, fields: { readonly [name: string]: string }) => Promise<Place>
}

/** A browser with no cookies yet. It talks to `issuer` alone. */
export function newBrowser(issuer: string): Browser {
  const cookies = new Map<string, string>()

  const agent = { 'User-Agent': 'a small browser' }

  async function go(first: Asked): Promise<Place> {
    let asked = first
    for (let hop = 0; hop <= redirectsMax; hop++) {
      const answered = await exchange({ ...asked, headers: { ...agent, ...asked.headers, ...cookieHeader(cookies) } })
      keepCookies(cookies, answered)
      const location = headerOf(answered, 'location')
      if (location === null) return pageOf(asked.url, answered)
      const next = new URL(location, asked.url).href
      if (new URL(next).origin !== new URL(issuer).origin) return { kind: 'left', url: next }
      asked = { method: 'GET', url: next }
    }
    throw new Error(`more than ${redirectsMax} redirects in a row`)
  }

  return {
    open: url => go({ method: 'GET', url }),
    submit: (place, fields) => {
      const form = place.kind === 'page' ? place.form : null
      if (form === null || place.kind !== 'page') throw new Error('there is no form to post')
      const body = new URLSearchParams([...form.fields, ...Object.entries(fields)]).toString()
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: issuer }
      return go({ method: 'POST', url: new URL(form.action, place.url).href, headers, body })
    },
  }
}

function cookieHeader(cookies: ReadonlyMap<string, string>): { readonly [name: string]: string } {
  if (cookies.size === 0) return {}
  return { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
}

function keepCookies(cookies: Map<string, string>, answered: Answered): void {
  const set = answered.headers['set-cookie'] ?? []
  for (const line of typeof set === 'string' ? [set] : set) {
    const [pair = '', ...attributes] = line.split(';')
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    const isOver = attributes.some(attribute => /^\s*max-age\s*=\s*(0|-\d+)\s*$/i.test(attribute))
    if (isOver) cookies.delete(name)
    else cookies.set(name, pair.slice(equals + 1).trim())
  }
}

function pageOf(url: string, answered: Answered): Place {
  const title = /<title>([^<]*)<\/title>/.exec(answered.body)?.[1] ?? ''
  return { kind: 'page', url, status: answered.status, title: unescapeHtml(title), form: formOf(answered.body) }
}

/** The first form: it is the one that carries on. */
function formOf(markup: string): Form | null {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(markup)
  if (form === null) return null
  const fields = new Map<string, string>()
  const names = new Set<string>()
  for (const [, element, text = ''] of (form[2] ?? '').matchAll(/<(input|button)\b([^>]*)>/g)) {
    const name = attributeOf(text, 'name')
    if (name === null) continue
    names.add(name)
    if (element === 'input' && attributeOf(text, 'type') === 'hidden')
      fields.set(name, attributeOf(text, 'value') ?? '')
  }
  return { action: attributeOf(form[1] ?? '', 'action') ?? '', fields, names }
}

function attributeOf(text: string, name: string): string | null {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1]
  return value === undefined ? null : unescapeHtml(value)
}

function unescapeHtml(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => entities[name] ?? whole)
}

const entities: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
