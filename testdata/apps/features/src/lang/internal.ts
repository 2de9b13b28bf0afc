export default "not listed";
