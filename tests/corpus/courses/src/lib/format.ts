export const formatMinutes = (minutes: number): string =>
  `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;

/** What is shown beside a number of something. */
export const words = { courses: "courses", lessons: "lessons", grades: "grades" };
