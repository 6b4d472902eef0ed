/** Pages on which nothing goes on: something is wrong, or is done already. */

import { type ClientOnPage, clientName } from './client-on-page.ts'
import { html } from './html.ts'
import { page, type Page, type PageFrame } from './layout.ts'

export interface ErrorPageProps extends PageFrame {
  readonly title: string
  /** What happened and what the person can do, in a sentence or two. No secret, no stack. */
  readonly message: string
  readonly requestId: string
  readonly status: number
}

export function errorPage(props: ErrorPageProps): Page {
  const card = html`<h1>${props.title}</h1>
<p>${props.message}</p>
<dl class="facts"><dt>Reference, if you ask for help</dt><dd><code>${props.requestId}</code> <span class="quiet">(error ${props.status})</span></dd></dl>`
  return page({ issuerHost: props.issuerHost, title: props.title, card })
}

export interface AlreadyUsedPageProps extends PageFrame {
  readonly client: ClientOnPage | null
  readonly requestId: string
}

/** For the back button and the second click: the answer was given, and is given once. */
export function alreadyUsedPage(props: AlreadyUsedPageProps): Page {
  const { client } = props
  const card = html`<h1>This step is done</h1>
<p>You have answered this page already, and an answer counts once. ${client === null ? 'You can close this page.' : html`Go back to ${clientName(client)} to go on; if it does not let you in, start there again.`}</p>
<dl class="facts"><dt>Reference, if you ask for help</dt><dd><code>${props.requestId}</code></dd></dl>`
  return page({ issuerHost: props.issuerHost, title: 'This step is done', card })
}
