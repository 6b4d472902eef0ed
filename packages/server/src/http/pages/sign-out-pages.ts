/** Signing out: the question, asked whenever nobody proved that the person wants it (RP-Initiated Logout §2), and the end. */

import { type ClientOnPage, clientName, clientNameAndHost } from './client-on-page.ts'
import { type Html, html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'

export interface SignOutPageProps extends PageFrame {
  readonly stateToken: string
  readonly userEmail: string
  /** The application that sent the person here, where it is known. */
  readonly client: ClientOnPage | null
}

export function signOutPage(props: SignOutPageProps): Page {
  const { client, stateToken } = props
  const asks = client === null ? null : html`<p>${clientName(client)} asks you to sign out here too.</p>`
  const decisions = html`<div class="choices"><button class="primary" name="decision" value="sign_out">Sign out</button><button class="secondary" name="decision" value="stay">Stay signed in</button></div>`
  const card = html`<h1>Sign out?</h1>
${asks}
<p>You are signed in as <bdi>${props.userEmail}</bdi>. Signing out ends your session here and in the applications that depend on it. Those you allowed to work while you are away go on.</p>
${stateForm({ action: '/sign-out', stateToken, content: decisions })}`
  return page({ issuerHost: props.issuerHost, title: 'Sign out?', card })
}

export interface SignedOutPageProps extends PageFrame {
  /** Addresses of applications that hear of it by being loaded (OIDC Front-Channel Logout 1.0 §3). */
  readonly frames: readonly string[]
  /** Back to the application that asked, or null. */
  readonly way: WayBack | null
}

export interface WayBack {
  readonly href: string
  /** By the person's own click alone. */
  readonly byHand: boolean
  readonly client: ClientOnPage
}

/** How long the frames have before the browser goes back by itself; whoever does not want to wait has the link. */
const framesSeconds = 3

export function signedOutPage(props: SignedOutPageProps): Page {
  const { issuerHost, frames, way } = props
  const card = html`<h1>You are signed out</h1>
${nextOf(way)}
${frames.map(frame)}`
  const goesTo = way === null || way.byHand ? {} : { goesTo: { href: way.href, afterSeconds: framesSeconds } }
  return page({ issuerHost, title: 'You are signed out', card, frames, ...goesTo })
}

function nextOf(way: WayBack | null): Html {
  if (way === null) return html`<p>Your session here has ended. You can close this page.</p>`
  if (way.byHand) {
    return html`<p class="notice">Nobody here knows the application that sent you. Go back only if you have just signed out there yourself; otherwise close this page.</p>
<p><a href="${way.href}" rel="noreferrer">Back to ${clientNameAndHost(way.client)}</a></p>`
  }
  return html`<p>Your session here has ended, and your applications are being told. You go back in a moment.</p>
<p><a href="${way.href}">Back to ${clientName(way.client)}</a></p>`
}

/** The application may clear what it keeps in the browser, and may not take the whole page away. */
function frame(address: string): Html {
  return html`<iframe hidden title="Signing out of an application" sandbox="allow-same-origin allow-scripts" src="${address}"></iframe>`
}
