/**
 * The whole story: a person signs in, an application stays signed in through everything that goes wrong, a thief replays
 * what they stole, and it is caught and explained. Every step asserts what it tells.
 */

import type { Explained } from '../../admin/explain.ts'
import type { Entropy } from '../../domain/entropy.ts'
import type { Samples } from '../samples.ts'
import {
  type Application,
  application,
  type Attempt,
  type Endpoints,
  introspect,
  jsonOf,
  type Thief,
  thief,
  type TokenAnswer,
} from './application.ts'
import { newBrowser, type Place } from './browser.ts'
import { exchange } from './exchange.ts'
import type { Happening, Teller } from './teller.ts'

export interface Cast {
  readonly issuer: string
  readonly samples: Samples
  readonly entropy: Entropy
  readonly explain: (requestId: string) => Promise<Explained>
}

/** Plays every step. Throws `PromiseBroken` at the first that does not end as promised. Answers the explanation. */
export async function play(teller: Teller, cast: Cast): Promise<Explained> {
  const endpoints = await teller.step('The server says what it can do', () => discover(cast.issuer))
  const { native, service } = cast.samples
  const redirectUri = native.redirect_uri.replace('127.0.0.1/', '127.0.0.1:7297/')
  const resource = service.audience
  const parts = { clientId: native.client_id, redirectUri, resource, endpoints, entropy: cast.entropy }
  const app = application(parts)
  const first = await signIn(teller, cast, app)
  const chain = await staySignedIn(teller, app, first)
  const api = { id: service.client_id, secret: service.client_secret }
  await teller.step('The API sees the access token alive', () =>
    checkAccess(endpoints, api, chain.newest.accessToken, true),
  )
  const caught = await beRobbed(teller, { app, thief: thief(parts), stolen: first.refreshToken, newest: chain.newest })
  await teller.step('The access token is dead at the API, at once', () =>
    checkAccess(endpoints, api, chain.newest.accessToken, false),
  )
  return teller.step('It can be explained: who, when, which generation, why', () => explainCatch(cast, caught))
}

async function discover(issuer: string): Promise<Happening<Endpoints>> {
  const answered = await exchange({ method: 'GET', url: `${issuer}/.well-known/openid-configuration` })
  const metadata = answered.status === 200 ? jsonOf(answered) : {}
  const text = (name: string): string => (typeof metadata[name] === 'string' ? metadata[name] : '')
  const retryKeys = metadata['refresh_token_retry_keys_supported']
  const kept = text('issuer') === issuer && Array.isArray(retryKeys) && retryKeys.includes('rk1')
  const result = {
    issuer: text('issuer'),
    authorization: text('authorization_endpoint'),
    token: text('token_endpoint'),
    introspection: text('introspection_endpoint'),
  }
  const happened = kept ? `${issuer} speaks OpenID Connect and knows retry keys.` : `It answered ${answered.status}.`
  return { kept, happened, result }
}

async function signIn(teller: Teller, cast: Cast, app: Application): Promise<TokenAnswer> {
  const { email, password } = cast.samples.user
  const browser = newBrowser(cast.issuer)
  const attempt = app.begin()
  const consent = await teller.step('A person signs in, on a page that needs no JavaScript', async () => {
    const page = await browser.open(attempt.url)
    const place = hasField(page, 'password')
      ? await browser.submit(page, { username: email, password, decision: 'sign_in' })
      : page
    const kept = hasField(place, 'decision') && !hasField(place, 'password')
    return { kept, happened: kept ? `${email} is signed in.` : whereWeAre(place), result: place }
  })
  const code = await teller.step('An application gets nothing before the person allows it', async () => {
    const title = consent.kind === 'page' ? consent.title : ''
    const place = await browser.submit(consent, { decision: 'allow' })
    const found = codeIn(place, attempt, cast.issuer)
    const happened =
      found === null ? whereWeAre(place) : `“${title}” Allowed; a code is on its way back, with iss and state.`
    return { kept: found !== null, happened, result: found ?? '' }
  })
  return teller.step('The code is exchanged once, by whoever began the sign-in (PKCE)', async () => {
    const answer = await app.redeem(attempt, code)
    const happened = `An access token, and the first refresh token: ${shorten(answer.refreshToken)}`
    return tokensOr(answer, happened)
  })
}

interface Chain {
  readonly newest: TokenAnswer
}

async function staySignedIn(teller: Teller, app: Application, first: TokenAnswer): Promise<Chain> {
  const second = await teller.step('A refresh moves the session forward', async () => {
    const answer = await app.refresh(first.refreshToken)
    const moved = answer.refreshToken !== first.refreshToken
    const told = tokensOr(answer, `${shorten(first.refreshToken)} became ${shorten(answer.refreshToken)}`)
    return { ...told, kept: told.kept && moved }
  })
  const third = await teller.step('A lost answer is no loss', async () => {
    const lost = await app.refresh(second.refreshToken)
    const again = await app.refresh(second.refreshToken)
    const isSame = lost.refreshToken !== '' && lost.refreshToken === again.refreshToken
    const happened =
      'The answer was dropped and asked for again with the same retry key: the same token, byte for byte.'
    const told = tokensOr(again, happened)
    return { ...told, kept: told.kept && isSame }
  })
  const newest = await teller.step('Two tabs at once do not log anybody out', async () => {
    const [left, right] = await Promise.all([app.refresh(third.refreshToken), app.refresh(third.refreshToken)])
    const isSame = left.refreshToken === right.refreshToken && left.refreshToken !== third.refreshToken
    const told = tokensOr(left, `Both got ${shorten(left.refreshToken)}: one successor, whoever asks first.`)
    return { ...told, kept: told.kept && right.status === 200 && isSame }
  })
  return { newest }
}

interface Robbery {
  readonly app: Application
  readonly thief: Thief
  readonly stolen: string
  readonly newest: TokenAnswer
}

/** The id of the answer the thief got. */
async function beRobbed(teller: Teller, robbery: Robbery): Promise<string> {
  const { app, stolen, newest } = robbery
  const requestId = await teller.step('A thief replays a token from an old backup, and is caught', async () => {
    const answer = await robbery.thief.replay(stolen)
    const { status, error, requestId: id } = answer
    const kept = status === 400 && error === 'invalid_grant' && id !== null
    const happened = `${shorten(stolen)} was answered ${status} ${error ?? ''}; the reason has the id ${id ?? 'unknown'}.`
    return { kept, happened, result: id ?? '' }
  })
  await teller.step('What the thief may have copied is worth nothing any more', async () => {
    const answer = await app.refresh(newest.refreshToken)
    const kept = answer.status === 400 && answer.error === 'invalid_grant'
    const happened = `Even the newest token, ${shorten(newest.refreshToken)}, is answered ${answer.status} ${answer.error ?? ''}.`
    return { kept, happened, result: null }
  })
  return requestId
}

async function checkAccess(
  endpoints: Endpoints,
  api: { readonly id: string; readonly secret: string },
  accessToken: string,
  isExpected: boolean,
): Promise<Happening<null>> {
  const isActive = await introspect(endpoints, api, accessToken)
  return { kept: isActive === isExpected, happened: `Introspection says active: ${String(isActive)}.`, result: null }
}

async function explainCatch(cast: Cast, requestId: string): Promise<Happening<Explained>> {
  const explained = await cast.explain(requestId)
  const reuses = explained.events.filter(event => event.kind === 'token_reused')
  const isReuse = reuses.length === 1 && reuses[0]?.requestId === requestId && reuses[0].detail['generation'] === 1
  const kept = isReuse && explained.family?.overBecause === 'reuse'
  const happened = kept ? `pawl explain ${requestId}` : `${reuses.length} reuses are on record for ${requestId}.`
  return { kept, happened, result: explained }
}

function tokensOr(answer: TokenAnswer, happened: string): Happening<TokenAnswer> {
  const kept = answer.status === 200 && answer.accessToken !== '' && answer.refreshToken !== ''
  const refused = `It was answered ${answer.status} ${answer.error ?? ''} (${answer.requestId ?? 'no request id'}).`
  return { kept, happened: kept ? happened : refused, result: answer }
}

/** The code, when the person came back to where this attempt began, from whom it began with. */
function codeIn(place: Place, attempt: Attempt, issuer: string): string | null {
  if (place.kind !== 'left' || !place.url.startsWith(`${attempt.redirectUri}?`)) return null
  const answer = new URL(place.url).searchParams
  if (answer.get('state') !== attempt.state || answer.get('iss') !== issuer) return null
  return answer.get('code')
}

function hasField(place: Place, name: string): boolean {
  return place.kind === 'page' && place.form !== null && place.form.names.has(name)
}

function whereWeAre(place: Place): string {
  return place.kind === 'left'
    ? `The server sent the browser away to ${new URL(place.url).origin}.`
    : `The server answered ${place.status} with the page “${place.title}”.`
}

/** Tokens of one family begin alike, so the end is what tells them apart. A sample's token may be shown in part. */
function shorten(token: string): string {
  return token === '' ? 'nothing' : `${token.slice(0, 8)}…${token.slice(-6)}`
}
