export default {
  title: "First credentials",
  lead: "They are shown a single time. Have something to write them down ready.",
  show: "Show them now",
  done: "Please note these down now: they will not be shown again. Change the password after signing in.",
  gone: "This link was used before, or it is over. We are glad to send you a new one.",
  incomplete: "This address is not complete. Please copy the whole link from the mail.",
};
