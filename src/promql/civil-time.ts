/** A moment in UTC, taken apart. */
export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly dayOfMonth: number;
  /** 1 to 366. */
  readonly dayOfYear: number;
  /** Sunday is 0. */
  readonly dayOfWeek: number;
  readonly hour: number;
  readonly minute: number;
  readonly daysInMonth: number;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Takes Unix seconds apart in the Gregorian calendar. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
export function civilTime(unixSeconds: number): CivilTime {
  const seconds = Math.floor(unixSeconds);
  const days = Math.floor(seconds / 86_400);
  const secondOfDay = seconds - days * 86_400;
  const { year, month, dayOfMonth } = civilDate(days);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengthOf = (m: number): number => (MONTH_DAYS[m - 1] ?? 0) + (m === 2 && isLeap ? 1 : 0);
  let dayOfYear = dayOfMonth;
  for (let m = 1; m < month; m++) dayOfYear += lengthOf(m);
  return {
    year,
    month,
    dayOfMonth,
    dayOfYear,
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
    hour: Math.floor(secondOfDay / 3600),
    minute: Math.floor((secondOfDay % 3600) / 60),
    daysInMonth: lengthOf(month),
  };
}

/** Years start in March here, so that the leap day is the last of its year. */
function civilDate(daysSinceEpoch: number): { year: number; month: number; dayOfMonth: number } {
  const shifted = daysSinceEpoch + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth };
}
