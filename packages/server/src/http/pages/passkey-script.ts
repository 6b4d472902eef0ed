/**
 * The one script of the pages that know passkeys: WebAuthn can be reached in no other way. It reads what to ask for off
 * the form, hands the browser's answer back in a field of that form, and sends it; it fetches nothing and keeps nothing.
 * Without it, or in a browser without passkeys, the form stays hidden and the rest of the page does what it always did.
 */

import { type Html, html } from './html.ts'

/**
 * On a page that also asks for a name, the browser may offer passkeys in that field (conditional mediation); a click on
 * the button takes the place of that offer.
 */
export const passkeyScript = `(() => {
const form = document.getElementById('passkey')
const known = window.PublicKeyCredential
if (!form || !known || !known.parseRequestOptionsFromJSON) return
const makes = form.dataset.ceremony === 'create'
const options = JSON.parse(form.dataset.options)
const publicKey = makes ? known.parseCreationOptionsFromJSON(options) : known.parseRequestOptionsFromJSON(options)
const problem = document.getElementById('passkey-problem')
let offered = null
const ask = async more => {
  try {
    const wanted = { publicKey, ...more }
    const made = await (makes ? navigator.credentials.create(wanted) : navigator.credentials.get(wanted))
    form.elements.credential.value = JSON.stringify(made.toJSON())
    HTMLFormElement.prototype.submit.call(form)
  } catch (error) {
    if (!more.mediation && problem) problem.hidden = false
  }
}
form.hidden = false
form.addEventListener('submit', event => {
  event.preventDefault()
  if (offered) offered.abort()
  if (problem) problem.hidden = true
  ask({})
})
if (!makes && form.dataset.offers === 'true' && known.isConditionalMediationAvailable) {
  known.isConditionalMediationAvailable().then(can => {
    if (!can) return
    offered = new AbortController()
    ask({ mediation: 'conditional', signal: offered.signal })
  })
}
})()`

export interface PasskeyFormProps {
  readonly action: string
  readonly stateToken: string
  readonly ceremony: 'get' | 'create'
  /** The JSON form of the ceremony's options (WebAuthn §5.1.8). */
  readonly options: string
  /** The page has a field in which the browser may offer passkeys by itself. */
  readonly offersInField: boolean
  readonly button: string
  readonly isPrimary: boolean
  /** Further fields, above the button. */
  readonly fields?: Html | null
}

/** Stays hidden until the script finds a browser that knows passkeys. */
export function passkeyForm(props: PasskeyFormProps): Html {
  const weight = props.isPrimary ? 'primary' : 'secondary'
  const sorry =
    props.ceremony === 'get'
      ? 'No passkey was used. You can try again, or go on another way.'
      : 'No passkey was made. Perhaps this device holds one for you already. You can try again.'
  return html`<form hidden id="passkey" method="post" action="${props.action}" data-ceremony="${props.ceremony}" data-offers="${String(props.offersInField)}" data-options="${props.options}"><input type="hidden" name="state_token" value="${props.stateToken}"><input type="hidden" name="decision" value="passkey"><input type="hidden" name="credential" value="">${props.fields ?? null}
<p class="notice problem" id="passkey-problem" role="alert" hidden>${sorry}</p>
<div class="choices"><button class="${weight}">${props.button}</button></div></form>`
}
