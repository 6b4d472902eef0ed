/** The consent page: who asks, for what, for how long, and as whom. Allow and deny weigh the same. */

import type { DetailInWords } from '../../domain/authorization-details/details-words.ts'
import { clientPageFacts, type ClientOnPage } from './client-on-page.ts'
import { inWords } from './durations.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'
import { scopeSentence } from './scope-sentences.ts'

/** How long the application keeps what is allowed now (ASVS 10.7.2). */
export type Lasting =
  /** No refresh token: until the access token is over. */
  | { readonly kind: 'once'; readonly accessSeconds: number }
  /** Ends with the session here, at the latest after `absoluteSeconds`. */
  | { readonly kind: 'session'; readonly idleSeconds: number; readonly absoluteSeconds: number }
  /** Outlives the session. */
  | { readonly kind: 'offline'; readonly idleSeconds: number; readonly absoluteSeconds: number }

export interface ConsentPageProps extends PageFrame {
  readonly stateToken: string
  readonly client: ClientOnPage
  /** False for a public client without an https redirect: anybody can pretend to be it (RFC 8252 §8.6). */
  readonly clientIsCertain: boolean
  readonly userEmail: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly details: readonly DetailInWords[]
  readonly lasting: Lasting
}

export function consentPage(props: ConsentPageProps): Page {
  const { client, stateToken } = props
  const card = html`<h1>Allow <bdi>${client.name}</bdi>?</h1>
<p class="quiet">You are signed in as <bdi>${props.userEmail}</bdi>.</p>
${props.clientIsCertain ? null : html`<p class="notice">Nobody can prove which application this is. Allow it only if you have just started it yourself.</p>`}
${permissions(props)}
${stateForm({ action: '/consent', stateToken, content: decisions() })}`
  const below = html`<div class="aside">${switchForm(stateToken)}</div>`
  return page({ issuerHost: props.issuerHost, title: `Allow ${client.name}?`, card, below })
}

/** What is allowed with a yes, where and for how long. */
export function permissions(props: Omit<ConsentPageProps, 'clientIsCertain'>): Html {
  const { client } = props
  return html`<h2>It asks to</h2>
<ul class="permissions">${props.details.map(detail => html`<li>${detailSentence(detail)}${detailFacts(detail)}</li>`)}${props.scopes.map(scope => html`<li>${scopeSentence(scope)}</li>`)}</ul>
<dl class="facts">
<dt>For how long</dt><dd>${howLong(props.lasting)}</dd>
${props.resources.length === 0 ? null : html`<dt>To be used at</dt>${props.resources.map(resource => html`<dd><code><bdi>${resource}</bdi></code></dd>`)}`}
${client.publishedAt === undefined ? null : html`<dt>Published at</dt><dd><strong><bdi>${client.publishedAt}</bdi></strong></dd>`}
${client.host === null ? null : html`<dt>The answer goes to</dt><dd><bdi>${client.host}</bdi></dd>`}
${clientPageFacts(client)}
</dl>`
}

/** What the application sent stands out and cannot turn the operator's words around. */
function detailSentence({ sentence }: DetailInWords): Html {
  return html`${sentence.map(({ text, isSent }) => (isSent ? html`<strong><bdi>${text}</bdi></strong>` : html`${text}`))}`
}

function detailFacts({ facts }: DetailInWords): Html | null {
  if (facts.length === 0) return null
  return html`<dl class="details">${facts.map(({ label, value }) => html`<dt>${label}</dt><dd><bdi>${value}</bdi></dd>`)}</dl>`
}

/** One sentence; also for the page where a person sees what was allowed. */
export function howLong(lasting: Lasting): string {
  switch (lasting.kind) {
    case 'once':
      return `For up to ${inWords(lasting.accessSeconds)}. After that it has to send you here again.`
    case 'session':
      return `Until you sign out here: ${upTo(lasting)}.`
    case 'offline':
      return `${capital(upTo(lasting))}. Signing out here does not end it.`
  }
}

function upTo(lasting: { readonly idleSeconds: number; readonly absoluteSeconds: number }): string {
  const whole = `for up to ${inWords(lasting.absoluteSeconds)}`
  if (lasting.idleSeconds >= lasting.absoluteSeconds) return whole
  return `${whole}, or ${inWords(lasting.idleSeconds)} without use`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function decisions(): Html {
  return html`<div class="choices"><button class="primary" name="decision" value="allow">Allow</button><button class="secondary" name="decision" value="deny">Refuse</button></div>`
}

export function switchForm(stateToken: string): Html {
  const button = html`<button name="decision" value="switch_account">Sign in as somebody else</button>`
  return stateForm({ action: '/sign-in', stateToken, content: button })
}
