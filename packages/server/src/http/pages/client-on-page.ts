/** How an application is named on a page. Its name is its own claim; where it gets the answer is what we checked. */

import { type Html, html } from './html.ts'

export interface ClientOnPage {
  readonly name: string
  /** Host of the redirect URI, or the scheme of a native application; null where there is nothing to go back to. */
  readonly host: string | null
  /** Where it publishes what it is, if it does: the one thing about it that is proven. */
  readonly publishedAt?: string
  /** Pages about it, for whoever wants to know more before they answer (OIDC Registration §2). */
  readonly pages?: readonly ClientPage[]
}

export interface ClientPage {
  readonly words: string
  /** Judged when it was registered: https, or http on loopback. */
  readonly href: string
}

export function clientName(client: ClientOnPage): Html {
  return html`<strong><bdi>${client.name}</bdi></strong>`
}

/** With the host it leads to, which the words cannot hide. The page there is not told where the person came from. */
export function clientPageLink({ words, href }: ClientPage): Html {
  return html`<a href="${href}" target="_blank" rel="noopener noreferrer">${words}</a> (<bdi>${new URL(href).host}</bdi>)`
}

/** All its pages in one line, for whoever has yet to sign in; null where there are none. */
export function clientPagesLine({ pages = [] }: ClientOnPage): Html | null {
  if (pages.length === 0) return null
  return html`<p>About the application: ${pages.map((each, index) => html`${index === 0 ? null : ', '}${clientPageLink(each)}`)}</p>`
}

/** `Invoices (invoices.example)` */
export function clientNameAndHost(client: ClientOnPage): Html {
  return client.host === null ? clientName(client) : html`${clientName(client)} (<bdi>${client.host}</bdi>)`
}
