/** A person's browser without a screen: a cookie jar, forms, and the patience to follow redirects within the server. */

/** What browsers and applications need of a stage: a server to talk to. */
export interface Ground {
  readonly issuer: string
  /** Sends a request as a client at `address` would. Redirects are not followed. */
  readonly send: (path: string, init?: RequestInit, address?: string) => Promise<Response>
}

export const stagePassword = 'correct horse battery staple'

export interface BrowserPage {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** Where the last redirect led that left the server, or null while it is still there. */
  readonly leftTo: URL | null
}

const hopsMax = 10

export function browser(stage: Ground, address: string): Browser {
  const jar = new Map<string, string>()

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await stage.send(path, { ...init, headers }, address)
    for (const cookie of response.headers.getSetCookie()) keep(jar, cookie)
    return response
  }

  async function follow(response: Response): Promise<BrowserPage> {
    let current = response
    for (let hop = 0; hop < hopsMax; hop++) {
      const location = current.headers.get('location')
      if (location === null) return pageOf(current, null)
      const url = new URL(location, stage.issuer)
      if (url.origin !== new URL(stage.issuer).origin) return pageOf(current, url)
      current = await send(url.pathname + url.search)
    }
    throw new Error(`more than ${hopsMax} redirects`)
  }

  const self: Browser = {
    jar,
    send,
    open: async path => follow(await send(path)),
    submit: async (page, fields) => {
      const form = formOf(page, fields)
      const response = await send(form.action, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
        body: form.body,
      })
      return follow(response)
    },
    signIn: (page, email = 'ada@example.com', password = stagePassword) =>
      self.submit(page, { username: email, password, decision: 'sign_in' }),
    decide: (page, decision) => self.submit(page, { decision }),
  }
  return self
}

export interface Browser {
  readonly jar: Map<string, string>
  /** One request with the browser's cookies; redirects are not followed. */
  readonly send: (path: string, init?: RequestInit) => Promise<Response>
  /** Opens a path and follows redirects until a page, or until the browser is sent elsewhere. */
  readonly open: (path: string) => Promise<BrowserPage>
  /** Sends the page's first form with these fields in it. */
  readonly submit: (page: BrowserPage, fields: { readonly [name: string]: string }) => Promise<BrowserPage>
  readonly signIn: (page: BrowserPage, email?: string, password?: string) => Promise<BrowserPage>
  readonly decide: (page: BrowserPage, decision: 'allow' | 'deny') => Promise<BrowserPage>
}

/** The hidden fields and the action of the page's first form: the one that carries on. */
export function formOf(
  page: BrowserPage,
  fields: { readonly [name: string]: string },
): { readonly action: string; readonly body: string } {
  const form = /<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/.exec(page.body)
  if (form === null) throw new Error(`no form on a page of status ${page.status}: ${page.body.slice(0, 300)}`)
  const hidden = [...(form[2] ?? '').matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const values = hidden.map(([, name = '', value = '']) => [unescapeHtml(name), unescapeHtml(value)] as const)
  const body = new URLSearchParams({ ...Object.fromEntries(values), ...fields }).toString()
  return { action: unescapeHtml(form[1] ?? ''), body }
}

export function unescapeHtml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

async function pageOf(response: Response, leftTo: URL | null): Promise<BrowserPage> {
  return { status: response.status, headers: response.headers, body: await response.text(), leftTo }
}

function keep(jar: Map<string, string>, cookie: string): void {
  const [pair = '', ...attributes] = cookie.split(';')
  const equals = pair.indexOf('=')
  const name = pair.slice(0, equals)
  const isExpired = attributes.some(attribute => attribute.trim().toLowerCase() === 'max-age=0')
  if (isExpired) jar.delete(name)
  else jar.set(name, pair.slice(equals + 1))
}
