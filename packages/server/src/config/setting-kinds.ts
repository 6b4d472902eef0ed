/** The few kinds of value that settings are made of, each with its unit and its meaning. */

import { z } from 'zod'

export interface SettingMeaning {
  readonly unit: string
  readonly description: string
}

export function described<T extends z.ZodType>(type: T, meaning: SettingMeaning): T {
  return type.meta({ ...meaning })
}

export function whole(min: number, max: number, value: number): z.ZodDefault<z.ZodInt> {
  return z.int().min(min).max(max).default(value)
}

/** `judge` answers a sentence that refuses the text, or null. */
export function nullableText(
  judge: (text: string) => string | null = () => null,
): z.ZodDefault<z.ZodNullable<z.ZodString>> {
  const text = z
    .string()
    .min(1)
    .superRefine((value, context) => {
      const refusal = judge(value)
      if (refusal !== null) context.addIssue({ code: 'custom', message: refusal })
    })
  return text.nullable().default(null)
}
