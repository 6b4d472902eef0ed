/**
 * Says in words what the rule decided, why, and what to do next: for the developer whose application was refused, and
 * for the operator who was called at night. Text only; whoever shows it chooses layout, colour and the form of a time.
 */

import { endTexts } from './explain-ends.ts'
import { refusalTexts } from './explain-refusals.ts'
import { reuseEndsTexts, verdictTexts, type Wording } from './explain-verdicts.ts'
import type { End } from './family.ts'
import type { RefusalReason, ReuseEnds, Verdict } from './present.ts'

export interface NextStep {
  readonly reader: 'developer' | 'operator'
  readonly sentence: string
}

/** Whole sentences, in reading order: who and when, what happened, why the rule says so. */
export interface Explanation {
  readonly title: string
  readonly sentences: readonly string[]
  readonly nextSteps: readonly NextStep[]
}

/**
 * What is known of one presentation, as an audit event keeps it; null where nothing is known. The address and agent were
 * sent by a stranger: whoever prints an explanation must escape it for its medium.
 */
export interface Circumstances {
  /** The instant as the reader shall see it: this package knows no time zone. */
  readonly at: string | null
  readonly clientId: string | null
  readonly subject: string | null
  readonly generationPresented: number | null
  readonly generationCurrent: number | null
  readonly address: string | null
  readonly agent: string | null
}

export const unknownCircumstances: Circumstances = {
  at: null,
  clientId: null,
  subject: null,
  generationPresented: null,
  generationCurrent: null,
  address: null,
  agent: null,
}

/** A verdict without its family, which an audit event does not keep. Every `Verdict` is one. */
export type VerdictName =
  | { readonly kind: Exclude<Verdict['kind'], 'reused' | 'refused'> }
  | { readonly kind: 'reused'; readonly ends: ReuseEnds }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/** Why a presentation got the verdict it got. */
export function explainVerdict(verdict: VerdictName, circumstances: Circumstances): Explanation {
  switch (verdict.kind) {
    case 'advanced':
    case 'kept':
    case 'repeated':
    case 'stale':
      return explanation(verdictTexts[verdict.kind], presentationSentences(circumstances))
    case 'reused':
      return explanationOfReuse(verdict.ends, circumstances)
    case 'refused':
      return explainRefusal(verdict.reason, circumstances)
  }
}

/** Why a family is over. `circumstances` are those of the moment at which it ended. */
export function explainEnd(end: End, circumstances: Circumstances): Explanation {
  return explanation(endTexts[end.reason], [endSentence(end, circumstances), ...knownPresentation(circumstances)])
}

/** Why a presentation was refused. The client saw `invalid_grant` and no more (I10). */
export function explainRefusal(
  reason: RefusalReason,
  circumstances: Circumstances = unknownCircumstances,
): Explanation {
  return explanation(refusalTexts[reason], presentationSentences(circumstances))
}

function explanationOfReuse(ends: ReuseEnds, circumstances: Circumstances): Explanation {
  const happened = `${endTexts.reuse.happened} ${reuseEndsTexts[ends]}`
  return explanation({ ...endTexts.reuse, happened }, presentationSentences(circumstances))
}

function explanation(text: Wording, circumstances: readonly string[]): Explanation {
  return {
    title: text.title,
    sentences: [...circumstances, text.happened, text.because],
    nextSteps: [
      { reader: 'developer', sentence: text.developer },
      { reader: 'operator', sentence: text.operator },
    ],
  }
}

function presentationSentences(circumstances: Circumstances): string[] {
  const { at, clientId, generationPresented } = circumstances
  const when = at === null ? 'At a time that was not recorded' : `At ${at}`
  const who = clientId === null ? 'an unknown client' : `client ${clientId}`
  const what = generationPresented === null ? 'a token' : nameOfToken(generationPresented)
  return [
    `${when}, ${who} presented ${what}${onBehalf(circumstances)}${fromWhere(circumstances)}.`,
    ...standing(circumstances),
  ]
}

/** An end by an operator or a sweep has no presentation; then there is nothing to tell of one. */
function knownPresentation(circumstances: Circumstances): string[] {
  return circumstances.generationPresented === null ? [] : presentationSentences(circumstances)
}

function endSentence(end: End, circumstances: Circumstances): string {
  const when = circumstances.at === null ? 'The family ended' : `The family ended at ${circumstances.at}`
  return end.by === 'rule' ? `${when}; the rule ended it, not a person.` : `${when}; it was ended by ${end.by}.`
}

function nameOfToken(generation: number): string {
  return generation === 0 ? 'the code (generation 0)' : `the refresh token of generation ${generation}`
}

function onBehalf({ subject }: Circumstances): string {
  return subject === null ? '' : ` for user ${subject}`
}

function fromWhere({ address, agent }: Circumstances): string {
  const place = address === null ? '' : ` from ${address}`
  return agent === null ? place : `${place} with "${agent}"`
}

/** Where the row stood at that moment, in the words of the verdict table. */
function standing({ generationPresented, generationCurrent }: Circumstances): string[] {
  if (generationCurrent === null) return []
  const stood = `The family stood at generation ${generationCurrent}`
  if (generationPresented === null) return [`${stood}.`]
  const behind = generationCurrent - generationPresented
  if (behind < 0) return [`${stood}, so the token was ahead of its row.`]
  if (behind === 0) return [`${stood}, so the token was the current one.`]
  if (generationPresented === 0) return [`${stood}, so the code had been redeemed before.`]
  if (behind === 1) return [`${stood}, so the token was the predecessor of the current one.`]
  return [`${stood}, so the token was ${behind} generations old.`]
}
