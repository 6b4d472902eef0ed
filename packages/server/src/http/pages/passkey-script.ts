/**
 * The script of the pages that know passkeys: WebAuthn can be reached in no other way. It reads what to ask for off
 * the form, hands the browser's answer back in a field of that form, and sends it; it fetches nothing and keeps nothing.
 * Without it, or in a browser without passkeys, the form stays hidden and the rest of the page does what it always did.
 */

import { type Html, html } from './html.ts'
import { stateForm } from './layout.ts'
import { pageScript } from './page-script.ts'

/**
 * On a page that also asks for a name, the browser may offer passkeys in that field (conditional mediation); a click on
 * the button takes the place of that offer.
 */
export const passkeyScript = pageScript(
  'passkey',
  `(() => {
const place = document.getElementById('passkey')
const known = window.PublicKeyCredential
if (!place || !known || !known.parseRequestOptionsFromJSON) return
const form = place.querySelector('form')
const problem = document.getElementById('passkey-problem')
const makes = place.dataset.ceremony === 'create'
const options = JSON.parse(place.dataset.options)
const publicKey = makes ? known.parseCreationOptionsFromJSON(options) : known.parseRequestOptionsFromJSON(options)
let offered = null
const ask = async more => {
  try {
    const wanted = { publicKey, ...more }
    const made = await (makes ? navigator.credentials.create(wanted) : navigator.credentials.get(wanted))
    form.elements.credential.value = JSON.stringify(made.toJSON())
    form.requestSubmit(form.elements.decision)
  } catch (error) {
    if (!more.mediation) problem.hidden = false
  }
}
place.hidden = false
form.addEventListener('submit', event => {
  if (form.elements.credential.value) return
  event.preventDefault()
  if (offered) offered.abort()
  problem.hidden = true
  ask({})
})
if (!makes && place.dataset.offers === 'true' && known.isConditionalMediationAvailable) {
  known.isConditionalMediationAvailable().then(can => {
    if (!can) return
    offered = new AbortController()
    ask({ mediation: 'conditional', signal: offered.signal })
  })
}
})()
`,
)

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
  const { action, stateToken, ceremony } = props
  const content = html`<input type="hidden" name="credential" value="">${props.fields ?? null}
<div class="choices"><button class="${props.isPrimary ? 'primary' : 'secondary'}" name="decision" value="passkey">${props.button}</button></div>`
  return html`<div hidden id="passkey" data-ceremony="${ceremony}" data-offers="${String(props.offersInField)}" data-options="${props.options}">
${stateForm({ action, stateToken, content })}
<p class="notice problem" id="passkey-problem" role="status" hidden>${ceremony === 'get' ? notUsed : notMade}</p></div>`
}

const notUsed = 'No passkey was used. You can try again, or go on another way.'
const notMade = 'No passkey was made. Perhaps this device holds one for you already. You can try again.'
