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
function clientPageLink({ words, href }: ClientPage): Html {
  return html`<a href="${href}" target="_blank" rel="noopener noreferrer">${words}</a> (<bdi>${new URL(href).host}</bdi>)`
}

/**
 * Its pages, as entries of a list of facts; null where there are none. Nothing of them is loaded here: a picture would tell
 * its server who is looking.
 */
export function clientPageFacts({ pages = [] }: ClientOnPage): Html | null {
  if (pages.length === 0) return null
  return html`<dt>About the application</dt>${pages.map(each => html`<dd>${clientPageLink(each)}</dd>`)}`
}

/** `Invoices (invoices.example)` */
export function clientNameAndHost(client: ClientOnPage): Html {
  return client.host === null ? clientName(client) : html`${clientName(client)} (<bdi>${client.host}</bdi>)`
}
