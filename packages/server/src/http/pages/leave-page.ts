/** Shown before a browser is sent to an application that nobody vouches for, where nothing else was shown before. */

import { type ClientOnPage, clientNameAndHost } from './client-on-page.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame } from './layout.ts'

/** By a link, or by a form where the application wants to be posted to. */
export type WayBack = { readonly href: string } | { readonly action: string }

export interface LeavePageProps extends PageFrame {
  readonly client: ClientOnPage
  readonly way: WayBack
  /** What the form posts, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export function leavePage(props: LeavePageProps): Page {
  const { client } = props
  const card = html`<h1>This did not work</h1>
<p>${clientNameAndHost(client)} sent you here with a request that cannot be answered. Nothing was shared with it.</p>
<p class="notice">Nobody here knows this application. Go back only if you have just started it yourself; otherwise close this page.</p>
${wayBack(props)}`
  return page({ issuerHost: props.issuerHost, title: 'This did not work', card })
}

function wayBack({ way, fields, client }: LeavePageProps): Html {
  const to = client.host === null ? html`the application` : html`<bdi>${client.host}</bdi>`
  if ('href' in way) return html`<p><a href="${way.href}" rel="noreferrer">Go back to ${to}</a></p>`
  const inputs = fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
  return html`<form method="post" action="${way.action}">${inputs}<div class="choices"><button class="primary">Go back to ${to}</button></div></form>`
}
