/**
 * The operator's own say in tokens: a function that is asked before anything is signed, and adds claims or denies. It is
 * their code and runs in this process, but what it answers is judged like what a stranger sends: in time, in shape and in
 * size, and it never says what only the server can know.
 */

export interface ClaimsContext {
  readonly clientId: string
  /** The user's own subject, whatever name the client knows them by; null where a client acts for itself. */
  readonly subject: string | null
  /** As they are now; null where a client acts for itself. */
  readonly user: {
    readonly email: string
    readonly emailVerified: boolean
    readonly groups: readonly string[]
    readonly claims: { readonly [name: string]: unknown }
  } | null
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly acr: string | null
  readonly amr: readonly string[]
  /** When the user proved who they are. */
  readonly authTimeMs: number
  /** When the grant began; the first tokens of a grant are asked about at the same time or soon after. */
  readonly openedAtMs: number
}

export interface HookClaims {
  readonly [name: string]: unknown
}

export type ClaimsRuling =
  | { readonly kind: 'add'; readonly accessToken: HookClaims; readonly idToken: HookClaims }
  /** The reason is for the log; the client is not told. */
  | { readonly kind: 'deny'; readonly reason: string }

/** Rejects with `ClaimsHookFailed` where there is no ruling to be had: then nothing may be issued, and nothing is spent. */
export type ClaimsHook = (context: ClaimsContext) => Promise<ClaimsRuling>

/** What the operator's module exports as `claims`. It may answer or promise `{ add: { accessToken, idToken } }` or `{ deny }`. */
export type OwnClaims = (context: ClaimsContext) => unknown

/** Calls back after so many milliseconds, unless the answer cancels it. */
export type StartTimer = (callback: () => void, afterMs: number) => () => void

/** No ruling: the function threw, took too long, or answered what is none. The message is a sentence without its words. */
export class ClaimsHookFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ClaimsHookFailed'
  }
}

export const hookClaimsMax = 50
export const hookClaimsCharactersMax = 4096
const reasonCharactersMax = 200

/**
 * Said by the server alone (RFC 7519 §4.1, RFC 9068 §2.2, OIDC Core §2): an added one would be a second truth, or a lie.
 */
export const serverClaims: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'cnf',
  'act',
  'may_act',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'sid',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'status',
  'events',
  'active',
  'token_type',
  'authorization_details',
  'pawl',
])

/** The function, asked for no longer than that and judged by what it answers. */
export function judgedHook(own: OwnClaims, startTimer: StartTimer, millisecondsMax: number): ClaimsHook {
  return async context => {
    // In the same breath, for reading an answer may run the hook's own code: a getter, a `toJSON`.
    const outcome = await inTime(async () => rulingOf(await own(context)), startTimer, millisecondsMax)
    if (typeof outcome === 'string') throw new ClaimsHookFailed(`the claims hook ${outcome}`)
    return outcome
  }
}

function inTime<T>(ask: () => Promise<T>, startTimer: StartTimer, millisecondsMax: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new ClaimsHookFailed(`the claims hook took longer than ${millisecondsMax} ms`)
    const cancel = startTimer(() => reject(late), millisecondsMax)
    ask()
      .then(resolve, cause => reject(new ClaimsHookFailed('the claims hook threw an error', { cause })))
      .finally(cancel)
  })
}

/** The ruling, or what is wrong with the answer. */
function rulingOf(answer: unknown): ClaimsRuling | string {
  if (!isObject(answer)) return 'answered no object'
  const { add, deny, ...more } = answer
  if (Object.keys(more).length > 0) return 'answered something beside add and deny'
  if (deny !== undefined) return add === undefined ? denialOf(deny) : 'answered both add and deny'
  if (!isObject(add)) return 'answered neither add nor deny'
  const { accessToken = {}, idToken = {}, ...others } = add
  if (Object.keys(others).length > 0) return 'added to something that is neither accessToken nor idToken'
  const [toAccessToken, toIdToken] = [claimsOf(accessToken), claimsOf(idToken)]
  if (typeof toAccessToken === 'string') return toAccessToken
  if (typeof toIdToken === 'string') return toIdToken
  return { kind: 'add', accessToken: toAccessToken, idToken: toIdToken }
}

function denialOf(deny: unknown): ClaimsRuling | string {
  if (deny === true) return { kind: 'deny', reason: 'denied by the claims hook' }
  if (typeof deny !== 'string' || deny === '') return 'denied with something that is no reason'
  return { kind: 'deny', reason: `denied by the claims hook: ${deny.slice(0, reasonCharactersMax)}` }
}

/** As JSON and back: what cannot be written is not there, and nothing of it can change afterwards. */
function claimsOf(added: unknown): HookClaims | string {
  if (!isObject(added)) return 'added claims that are no object'
  const text = textOf(added)
  if (text === null) return 'added claims that cannot be written as JSON'
  if (text.length > hookClaimsCharactersMax) return `added more than ${hookClaimsCharactersMax} characters of claims`
  const claims: unknown = JSON.parse(text)
  if (!isObject(claims)) return 'added claims that are no object'
  const names = Object.keys(claims)
  if (names.length > hookClaimsMax) return `added more than ${hookClaimsMax} claims`
  return names.some(name => serverClaims.has(name)) ? 'added a claim that only the server makes' : claims
}

function textOf(value: object): string | null {
  try {
    // No text, whatever its type says, where a `toJSON` of the hook's own answers undefined.
    const text: unknown = JSON.stringify(value)
    return typeof text === 'string' ? text : null
  } catch {
    // A circle or a BigInt; a `toJSON` of the hook's own may throw anything.
    return null
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
