/**
 * OAuth 2.0 Form Post Response Mode §2: the authorization response as a form that sends itself. Without its script, the
 * button does the same.
 */

import { html } from './html.ts'
import { page, type Page, type PageFrame } from './layout.ts'
import { pageScript } from './page-script.ts'

export interface FormPostPageProps extends PageFrame {
  /** The registered redirect URI of this request. */
  readonly action: string
  /** The parameters of the response, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** The prototype's `submit`: a field of that name would hide the form's own. */
export const submitScript = pageScript('send-form', 'HTMLFormElement.prototype.submit.call(document.forms[0])\n')

export function formPostPage(props: FormPostPageProps): Page {
  // Only these take a form. A redirect URI of another scheme is refused when it is registered; a page must not rely on it.
  if (!/^https?:\/\//.test(props.action)) throw new Error('a form can be posted to http and https addresses only')
  const inputs = props.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
  const card = html`<h1>One moment</h1>
<p>You are on the way back to the application. If nothing happens, go on yourself.</p>
<form method="post" action="${props.action}">${inputs}<div class="choices"><button class="primary">Continue</button></div></form>`
  return page({ issuerHost: props.issuerHost, title: 'One moment', card, script: submitScript })
}
