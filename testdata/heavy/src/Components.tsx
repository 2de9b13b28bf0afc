import { useState } from "react";
import { Button, TextField, ThemeProvider, createTheme } from "@mui/material";
import DeleteIcon from "@mui/icons-material/Delete";
import { Alarm } from "@mui/icons-material";
import { Button as AntButton, DatePicker, Table } from "antd";
import { Camera, Heart } from "lucide-react";

const theme = createTheme({ palette: { primary: { main: "#010203" } } });

export function Components() {
  const [n, setN] = useState(0);
  return (
    <ThemeProvider theme={theme}>
      <Button id="mui" variant="contained" startIcon={<DeleteIcon />} onClick={() => setN(n + 1)}>
        material {n}
      </Button>
      <TextField id="field" label="label" />
      <span id="icons">
        <Alarm />
        <Camera />
        <Heart />
      </span>
      <AntButton id="antd" type="primary" onClick={() => setN(n + 1)}>
        ant design {n}
      </AntButton>
      <DatePicker />
      <Table id="table" dataSource={[{ key: 1, name: "cell" }]} columns={[{ title: "Name", dataIndex: "name" }]} />
    </ThemeProvider>
  );
}
