/** Signing out: the question, asked whenever nobody proved that the person wants it (RP-Initiated Logout §2), and the end. */

import { type ClientOnPage, clientName } from './client-on-page.ts'
import { html } from './html.ts'
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

export function signedOutPage(props: PageFrame): Page {
  const card = html`<h1>You are signed out</h1>
<p>Your session here has ended. You can close this page.</p>`
  return page({ issuerHost: props.issuerHost, title: 'You are signed out', card })
}
