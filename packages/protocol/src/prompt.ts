/** The values of `prompt` (OIDC Core §3.1.2.1). `none` stands alone. */

export const prompts = ['none', 'login', 'consent', 'select_account'] as const
export type Prompt = (typeof prompts)[number]

/** Null when a value is unknown, or when `none` has company. */
export function parsePrompts(text: string): readonly Prompt[] | null {
  const values = new Set(text.split(' '))
  if (values.has('none') && values.size > 1) return null
  const known: Prompt[] = []
  for (const value of values) {
    const prompt = prompts.find(each => each === value)
    if (prompt === undefined) return null
    known.push(prompt)
  }
  return known
}
