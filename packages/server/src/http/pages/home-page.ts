/** What a person finds who types in the address of the server itself. */

import { html } from './html.ts'
import { page, type Page, type PageFrame, stateForm } from './layout.ts'

export interface HomePageProps extends PageFrame {
  readonly signedIn: { readonly email: string; readonly stateToken: string } | null
}

export function homePage(props: HomePageProps): Page {
  return props.signedIn === null ? strangersPage(props) : ownPage(props.issuerHost, props.signedIn)
}

function strangersPage(props: PageFrame): Page {
  const card = html`<h1>Nothing to do here</h1>
<p>This server signs people in to their applications. Start in the application; it brings you here when it needs to.</p>
<p class="quiet">For developers: everything it offers is in its <a href="/.well-known/openid-configuration">metadata</a>.</p>`
  return page({ issuerHost: props.issuerHost, title: 'Nothing to do here', card })
}

function ownPage(issuerHost: string, signedIn: NonNullable<HomePageProps['signedIn']>): Page {
  const button = html`<div class="choices"><button class="primary" name="decision" value="sign_out">Sign out</button></div>`
  const card = html`<h1>You are signed in</h1>
<p>This browser is signed in as <bdi>${signedIn.email}</bdi>. Your applications bring you here when they need to.</p>
${stateForm({ action: '/sign-out', stateToken: signedIn.stateToken, content: button })}`
  const below = html`<div class="aside"><p><a href="/account">Look at your account</a></p></div>`
  return page({ issuerHost, title: 'You are signed in', card, below })
}
