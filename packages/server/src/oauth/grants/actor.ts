/** Who acts for whom (RFC 8693 §4.1, §4.4): the `act` claim, a chain with the newest first, and `may_act`, who may. */

/** One party as its tokens name it. */
export interface Actor {
  readonly sub: string
  readonly client_id: string
  readonly iss: string
}

export interface Act extends Actor {
  /** Who acted before. For information only: what counts is the newest (RFC 8693 §4.1). */
  readonly act?: Act
}

/** Of actors in one chain. */
export const actorsMax = 5

/** The chain with this actor in front. */
export function actOf(actor: Actor, before: Act | null): Act | 'too_long' {
  if (lengthOf(before) >= actorsMax) return 'too_long'
  return before === null ? actor : { ...actor, act: before }
}

/**
 * What a `may_act` claim says of an actor. Each member that it names must be the actor's; one that we do not know how to
 * compare lets nobody act.
 */
export function mayAct(claim: unknown, actor: Actor): 'allowed' | 'refused' | 'unsaid' {
  if (claim === undefined) return 'unsaid'
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) return 'refused'
  const said = Object.entries(claim)
  const known: ReadonlyMap<string, string> = new Map(Object.entries(actor))
  return said.length > 0 && said.every(([name, value]) => known.get(name) === value) ? 'allowed' : 'refused'
}

function lengthOf(act: Act | null): number {
  let length = 0
  for (let each: Act | undefined = act ?? undefined; each !== undefined; each = each.act) length += 1
  return length
}
