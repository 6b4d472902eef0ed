/** How an application is named on a page. Its name is its own claim; where it gets the answer is what we checked. */

import { type Html, html } from './html.ts'

export interface ClientOnPage {
  readonly name: string
  /** Host of the redirect URI, or the scheme of a native application; null where there is nothing to go back to. */
  readonly host: string | null
  /** Where it publishes what it is, if it does: the one thing about it that is proven. */
  readonly publishedAt?: string
}

export function clientName(client: ClientOnPage): Html {
  return html`<strong><bdi>${client.name}</bdi></strong>`
}

/** `Invoices (invoices.example)` */
export function clientNameAndHost(client: ClientOnPage): Html {
  return client.host === null ? clientName(client) : html`${clientName(client)} (<bdi>${client.host}</bdi>)`
}
